use thiserror::Error;

use crate::entities::{Mail, Notification};

/// Writes the mail that a notification stands for.
pub trait MailRenderer: Send + Sync {
    /// An adapter writes in the notification's locale, shows every fact as text (never as markup, a
    /// header or a line of its own), and makes a subject of one line without control characters. The
    /// same notification always gives the same mail.
    ///
    /// # Errors
    ///
    /// [`RenderError`] when the template fails for this notification.
    fn render(&self, notification: &Notification) -> Result<Mail, RenderError>;
}

/// A template failed.
#[derive(Debug, Error)]
#[error("the template {template} cannot be filled in")]
pub struct RenderError {
    /// Which one, such as `pt-BR/updated.html`.
    pub template: String,
    /// What the template engine says.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl RenderError {
    /// Never: the same template fails on the same facts again, until a release mends it.
    pub fn is_retryable(&self) -> bool {
        false
    }
}
