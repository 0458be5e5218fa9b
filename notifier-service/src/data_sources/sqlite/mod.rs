//! The ledger on SQLite.

mod attempts;
mod ledger;
mod open;
mod operator;
mod retention;
mod suppressed_addresses;

pub use ledger::SqliteNotificationLedger;
