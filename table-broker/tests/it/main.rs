//! The broker as its users see it, on `SQLite` files.

mod appending;
mod cancelling;
mod groups;
mod processes;
mod reading;
mod retention;
mod support;
