//! What user-service and notifier-service must agree on, and nothing else: the event contract of
//! the topic `cdc.inf-user`, the ids and vocabulary that cross it, the topic names, how a broker is named, and the
//! action tokens that one service signs and the other one honours.
//!
//! Everything here is pure: no I/O, no clock, no randomness. Any layer of either service may use it.

mod account_status;
mod action_token;
mod debezium;
mod event;
mod event_id;
mod event_type;
mod in_words;
mod locale;
mod newer_event;
mod record;
mod row_change;
mod signing_keys;
mod topics;
mod urls;
mod user_field;
mod user_id;
mod wire;

pub use account_status::AccountStatus;
pub use action_token::{ActionPurpose, ActionToken, BadActionToken};
pub use debezium::DebeziumError;
pub use event::{ChangeSource, EventMetadata, Op, UserChange, UserEvent, UserSnapshot};
pub use event_id::{BinlogPlace, EventId};
pub use event_type::EventType;
pub use in_words::in_words;
pub use locale::Locale;
pub use newer_event::{NewerEvent, Understood};
pub use record::{UnreadableRecord, read_record};
pub use row_change::{BadRowChange, RowChange, UserRow, event_of_row};
pub use signing_keys::{BadKeys, SigningKeys};
pub use topics::{CDC_PARTITIONS, CDC_TOPIC, dead_letter_header, dead_letter_topic};
pub use urls::{BadUrl, BrokerUrl, DatabaseUrl};
pub use user_field::UserField;
pub use user_id::UserId;
pub use wire::{CE_SOURCE, DecodeError, WireRecord, decode, encode, encode_newer};

#[cfg(feature = "schema")]
pub mod schema;
