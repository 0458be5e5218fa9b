//! The ledger on MySQL and MariaDB.

mod attempts;
mod ledger;
mod open;
mod operator;
mod privileges;
mod retention;
mod suppressed_addresses;

pub use ledger::MySqlNotificationLedger;
