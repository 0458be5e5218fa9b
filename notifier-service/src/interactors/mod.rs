//! The use cases, one a file, each a verb with one `execute`.

mod cancel_mail;
mod courier;
mod deliver_notifications;
mod delivery;
mod inspect_mails;
mod letters;
mod list_dead_letters;
mod operator_error;
mod preview_mails;
mod record_user_events;
mod recording;
mod redrive_dead_letters;
mod redrive_mails;
mod resend_mail;
mod tidy_ledger;
mod watch_deliveries;

pub use cancel_mail::CancelMail;
pub use deliver_notifications::{DeliverError, DeliverNotifications, DeliveryPorts};
pub use delivery::{Delivery, Ending, Outage, Round};
pub use inspect_mails::{InspectMails, MailHistory, MailPage};
pub use letters::{LetterFilter, LetterState, LettersError};
pub use list_dead_letters::{ListDeadLetters, ListedLetters};
pub use operator_error::OperatorError;
pub use preview_mails::{PreviewMails, PreviewMailsError};
pub use record_user_events::{RecordError, RecordOutcome, RecordUserEvents, SetAside};
pub use redrive_dead_letters::{LetterRedrive, RedriveDeadLetters, RedrivenLetters};
pub use redrive_mails::{RedriveMails, RedriveRequest, Redriven};
pub use resend_mail::ResendMail;
pub use tidy_ledger::{Tidied, TidyError, TidyLedger};
pub use watch_deliveries::{DeliveryProgress, WatchDeliveries};
