//! The ports: what the use cases need from the world. Each trait says what its adapters owe; each
//! error says whether trying again can help.

mod dead_letter_log;
mod dead_letters;
mod event_history;
mod jitter;
mod ledger_retention;
mod ledger_watch;
mod mail_previews;
mod mail_renderer;
mod mailer;
mod monotonic_clock;
mod notification_ledger;
mod operator_ledger;
mod send_rate;
mod suppressed_addresses;

pub use dead_letter_log::{DeadLetterLog, DeadLetterLogError, LoggedLetter};
pub use dead_letters::{DeadLetter, DeadLetters, DeadLettersError};
pub use event_history::{EventHistory, EventHistoryError};
pub use jitter::Jitter;
pub use ledger_retention::LedgerRetention;
pub use ledger_watch::{DueMail, LedgerWatch};
pub use mail_previews::{MailPreview, MailPreviews, PreviewError};
pub use mail_renderer::{MailRenderer, RenderError};
pub use mailer::{Mailer, MailerError};
pub use monotonic_clock::MonotonicClock;
pub use notification_ledger::{KEPT_ATTEMPTS, LedgerCounts, LedgerError, NotificationLedger, RecordedCount};
pub use operator_ledger::{OperatorLedger, Page, PageStart};
pub use send_rate::SendRate;
pub use suppressed_addresses::SuppressedAddresses;
