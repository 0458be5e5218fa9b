use super::start_error::StartError;
use crate::config::{MailsConfig, PreviewConfig};
use crate::data_sources::{MailTemplates, MinijinjaMailRenderer, PreviewFolder};
use crate::entities::ActionLinks;
use crate::interactors::PreviewMails;

/// Writes every mail in every language, made from sample data, into a folder, and tells how many.
///
/// # Errors
///
/// [`StartError`], which names the setting at fault.
pub fn preview(config: PreviewConfig) -> Result<usize, StartError> {
    let renderer = renderer(&config.mails, &config.links)?;
    let previews = PreviewFolder::new(config.folder, config.sender);
    PreviewMails::new(Box::new(renderer), Box::new(previews)).execute().map_err(StartError::Preview)
}

/// The renderer, with which every mail was written once.
pub(super) fn renderer(
    mails: &MailsConfig,
    links: &ActionLinks,
) -> Result<MinijinjaMailRenderer, StartError> {
    let templates = match &mails.templates {
        Some(folder) => MailTemplates::overridden_in(folder),
        None => MailTemplates::embedded(),
    };
    templates
        .and_then(|templates| MinijinjaMailRenderer::new(templates, mails.letterhead.clone(), links.clone()))
        .map_err(StartError::Templates)
}
