use std::fmt;

use shared_kernel::Locale;

use super::{NotificationId, Recipient};

/// A mail as its reader will see it. `Debug` shows no words of it: its link is for the reader alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The notification that it was made from. The `Message-ID` is derived from it, so that a mail
    /// that is sent twice bears the same one both times.
    pub id: NotificationId,
    /// Where it goes.
    pub recipient: Recipient,
    /// The recipient's name for the `To` header, as the user typed it: anything may be in it.
    pub recipient_name: Option<String>,
    /// One line without control characters.
    pub subject: String,
    /// The body for readers of plain text.
    pub text: String,
    /// The same body as HTML.
    pub html: String,
    /// What it is written in.
    pub language: Locale,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, recipient, language, .. } = self;
        write!(f, "Mail({id} to {}, in {})", recipient.masked(), language.as_str())
    }
}
