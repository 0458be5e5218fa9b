//! What the links in mails open: a page with a button for a person to press, since programs that look for harm in
//! mails open links too. The button needs no script, and leads to a page that says what came of it.

mod cancel_email_change;
mod confirm;
mod form;
mod language;
mod link;
mod openapi;
mod page;
mod refusal;
mod reset_password;
mod texts;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::ApiState;

/// The routes of the pages.
pub(super) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(routes!(confirm::confirm_page, confirm::submit_confirm_page))
        .routes(routes!(
            cancel_email_change::cancel_email_change_page,
            cancel_email_change::submit_cancel_email_change_page
        ))
        .routes(routes!(reset_password::reset_password_page, reset_password::submit_reset_password_page))
        .layer(DefaultBodyLimit::max(form::MAX_FORM_BYTES))
}
