//! The operator's API and page. Not for the public: whoever has the token sees addresses and can send mail.

mod api;
mod letter_requests;
mod letter_responses;
mod pages;
mod problem;
mod requests;
mod responses;
mod server;
mod state;
mod token;

pub use server::{operator_router, serve};
pub use state::{DeadLetterCommands, Operator};
pub use token::{BadOperatorToken, OperatorToken};
