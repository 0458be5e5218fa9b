//! The page for people: made here, without scripts, so that it works on any phone.

mod handlers;
mod letter_handlers;
mod render;
mod session;

use axum::Router;
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::state::Shared;

const STYLE: &str = include_str!("../../../../pages/style.css");

pub(super) fn router(operator: Shared) -> Router {
    let inside = Router::new()
        .route("/", get(handlers::list))
        .route("/mails/{id}", get(handlers::show))
        .route("/mails/{id}/resend", post(handlers::resend))
        .route("/mails/{id}/cancel", post(handlers::cancel))
        .route("/redrive", get(handlers::try_redrive).post(handlers::redrive))
        .route("/dead-letters", get(letter_handlers::list))
        .route("/dead-letters/redrive", get(letter_handlers::try_redrive).post(letter_handlers::redrive))
        .route("/logout", post(session::log_out))
        .layer(from_fn_with_state(operator.clone(), session::logged_in));
    Router::new()
        .route("/login", get(session::ask).post(session::log_in))
        .route("/style.css", get(async || ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)))
        .merge(inside)
        .fallback(handlers::no_such_page)
        .with_state(operator)
}
