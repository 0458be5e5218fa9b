//! What the SQL ledgers share: how a notification becomes columns, migrations, errors.

mod columns;
mod error;
mod migrations;

pub(super) use columns::{ClaimedColumns, changed_to_text, claimed, known_kinds, micros, shortened};
pub use error::OpenError;
pub(super) use error::unavailable;
pub(super) use migrations::{MIGRATIONS_TABLE, is_up_to_date, migrator};
