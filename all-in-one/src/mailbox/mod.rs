//! The development mailbox: an SMTP server that keeps every mail it accepts in memory, and a page and JSON to read
//! them.
//!
//! The parts know each other in one direction only:
//!
//! - [`Mailbox`] is the store. It is what the two servers share, and all that they share.
//! - [`SmtpServer`] takes mails in. A mail is in the store before its `250` is sent.
//! - [`http_router`] shows them: a page for people, and for programs the part of Mailpit's JSON API that checks need,
//!   so that the same checks run against Mailpit.
//!
//! Nothing is written to disk and nothing is sent on, whatever address a mail is for. The caller binds both listeners,
//! so a port that is taken, and which port 0 became, are the caller's to see.
//!
//! Why this is not the `mailcrab` crate: `docs/adr/0001-development-smtp-server.md`.

mod api;
mod guard;
mod http;
mod lines;
mod message;
mod page;
mod session;
mod smtp;
mod store;

pub use http::http_router;
pub use smtp::SmtpServer;
pub use store::Mailbox;
