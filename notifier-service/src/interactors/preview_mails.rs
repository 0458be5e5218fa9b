use shared_kernel::Locale;
use thiserror::Error;

use crate::entities::samples;
use crate::repositories::{MailPreview, MailPreviews, MailRenderer, PreviewError, RenderError};

/// Shows every mail in every language, made from sample data.
pub struct PreviewMails {
    renderer: Box<dyn MailRenderer>,
    previews: Box<dyn MailPreviews>,
}

/// The mails cannot be shown.
#[derive(Debug, Error)]
pub enum PreviewMailsError {
    /// A mail cannot be written.
    #[error("the mail {name} cannot be written")]
    Render {
        /// Which one.
        name: String,
        /// Why.
        #[source]
        source: RenderError,
    },
    /// The mails cannot be kept.
    #[error("the mails cannot be shown")]
    Keep(#[source] PreviewError),
}

impl PreviewMails {
    /// With that renderer, to that place.
    pub fn new(renderer: Box<dyn MailRenderer>, previews: Box<dyn MailPreviews>) -> Self {
        Self { renderer, previews }
    }

    /// Writes them and tells how many there are.
    ///
    /// # Errors
    ///
    /// [`PreviewMailsError`].
    pub fn execute(&self) -> Result<usize, PreviewMailsError> {
        let mut previews = Vec::new();
        for sample in Locale::ALL.into_iter().flat_map(samples) {
            let rendered = self.renderer.render(&sample.notification);
            let name = sample.name;
            match rendered {
                Ok(mail) => previews.push(MailPreview { name, mail }),
                Err(source) => return Err(PreviewMailsError::Render { name, source }),
            }
        }
        self.previews.keep(&previews).map_err(PreviewMailsError::Keep)?;
        Ok(previews.len())
    }
}
