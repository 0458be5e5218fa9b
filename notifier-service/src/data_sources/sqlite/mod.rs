//! The ledger on SQLite.

mod ledger;
mod open;

pub use ledger::SqliteNotificationLedger;
