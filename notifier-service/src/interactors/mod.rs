//! The use cases, one a file, each a verb with one `execute`.

mod courier;
mod deliver_notifications;
mod delivery;
mod preview_mails;
mod record_user_events;
mod tidy_ledger;

pub use deliver_notifications::{DeliverError, DeliverNotifications, DeliveryPorts};
pub use delivery::{Delivery, Ending, Round};
pub use preview_mails::{PreviewMails, PreviewMailsError};
pub use record_user_events::{RecordError, RecordOutcome, RecordUserEvents, SetAside};
pub use tidy_ledger::{Tidied, TidyError, TidyLedger};
