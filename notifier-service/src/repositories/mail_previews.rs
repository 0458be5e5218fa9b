use thiserror::Error;

use crate::entities::Mail;

/// Where mails go that are only to be looked at.
pub trait MailPreviews: Send + Sync {
    /// Keeps all of them, each whole: as the message that would be sent, as text and as HTML, and something to find them
    /// by. What was kept under the same names before is replaced. Sends nothing.
    ///
    /// # Errors
    ///
    /// [`PreviewError`]; some may have been kept then.
    fn keep(&self, previews: &[MailPreview]) -> Result<(), PreviewError>;
}

/// A mail to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailPreview {
    /// What it is called among the mails of its language.
    pub name: String,
    /// The mail.
    pub mail: Mail,
}

/// A preview was not kept.
#[derive(Debug, Error)]
#[error("the preview {name} cannot be kept")]
pub struct PreviewError {
    /// Which one.
    pub name: String,
    /// Why.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl PreviewError {
    /// Never by itself: somebody has to make room or give the right to write.
    pub fn is_retryable(&self) -> bool {
        false
    }
}
