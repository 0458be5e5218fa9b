use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::message;
use super::settings::SmtpSettings;
use crate::entities::Mail;
use crate::repositories::{MailPreview, MailPreviews, PreviewError};

/// Writes each mail into a folder: the message that would be sent (`.eml`), its text and its HTML, named by language and
/// mail; and `index.html`, a page that shows them all.
pub struct PreviewFolder {
    folder: PathBuf,
    sender: SmtpSettings,
}

impl PreviewFolder {
    /// Into that folder, which is made when it is missing, with that sender.
    pub fn new(folder: PathBuf, sender: SmtpSettings) -> Self {
        Self { folder, sender }
    }

    fn write(&self, file: &str, content: &[u8]) -> Result<(), PreviewError> {
        fs::create_dir_all(&self.folder)
            .and_then(|()| fs::write(self.folder.join(file), content))
            .map_err(|error| not_kept(&self.folder.join(file), error))
    }
}

impl MailPreviews for PreviewFolder {
    fn keep(&self, previews: &[MailPreview]) -> Result<(), PreviewError> {
        for preview in previews {
            let stem = stem(preview);
            let message = message::write(&preview.mail, &self.sender)
                .map_err(|source| PreviewError { name: stem.clone(), source: source.into() })?;
            self.write(&format!("{stem}.eml"), &message.bytes)?;
            self.write(&format!("{stem}.txt"), preview.mail.text.as_bytes())?;
            self.write(&format!("{stem}.html"), preview.mail.html.as_bytes())?;
        }
        self.write("index.html", index(previews).as_bytes())
    }
}

fn not_kept(path: &Path, source: io::Error) -> PreviewError {
    PreviewError { name: path.display().to_string(), source: source.into() }
}

/// What a mail's files are called, such as `pt-BR.updated`.
fn stem(MailPreview { name, mail }: &MailPreview) -> String {
    format!("{}.{name}", mail.language.as_str())
}

/// A page with every mail at the width of a phone.
fn index(previews: &[MailPreview]) -> String {
    let mut page = INDEX_HEAD.to_owned();
    for preview in previews {
        let stem = stem(preview);
        let Mail { subject, language, .. } = &preview.mail;
        writeln!(
            page,
            "<section lang=\"{language}\"><h2>{subject}</h2>\n<p>{stem}: <a href=\"{stem}.html\">HTML</a>, \
             <a href=\"{stem}.txt\">text</a>, <a href=\"{stem}.eml\">message</a></p>\n\
             <iframe src=\"{stem}.html\" title=\"{stem}\" loading=\"lazy\" sandbox></iframe></section>",
            language = language.as_str(),
            subject = escaped(subject),
        )
        .expect("a String takes everything that is written to it");
    }
    page.push_str("</main>\n</html>\n");
    page
}

const INDEX_HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>Every mail</title>
<style>
body { margin: 1rem; font-family: system-ui, sans-serif; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(390px, 100%), 1fr)); gap: 1.5rem; }
h2 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
p { margin: .25rem 0 .5rem; font-size: .875rem; }
iframe { width: 100%; height: 640px; border: 1px solid #888; }
</style>
<h1>Every mail</h1>
<main>
";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
