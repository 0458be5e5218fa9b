//! The ledger on MySQL and MariaDB.

mod ledger;
mod open;

pub use ledger::MySqlNotificationLedger;
