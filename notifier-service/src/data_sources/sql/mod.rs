//! What the SQL ledgers share: how a notification becomes columns, migrations, errors.

mod address_hash;
mod attempts;
mod columns;
#[cfg(feature = "metrics")]
mod connections;
mod entries;
mod error;
mod migrations;

pub(super) use address_hash::address_hash;
pub(super) use attempts::{AttemptColumns, attempt};
pub(super) use columns::{ClaimedColumns, changed_to_text, claimed, elapsed, known_kinds, micros, shortened};
#[cfg(feature = "metrics")]
pub(super) use connections::connections;
pub(super) use entries::{Condition, EntryColumns, conditions, entry, order};
pub use error::OpenError;
pub(super) use error::unavailable;
pub(super) use migrations::{MIGRATIONS_TABLE, is_up_to_date, migrator};
