//! The use cases, one a file, each a verb with one `execute`.

mod deliver_notifications;
mod delivery_outcome;
mod record_user_events;

pub use deliver_notifications::{DeliverError, DeliverNotifications, DeliveryPorts};
pub use delivery_outcome::{Delivery, DeliveryOutcome, Ending};
pub use record_user_events::{RecordError, RecordOutcome, RecordUserEvents, SetAside};
