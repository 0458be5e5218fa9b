use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use shared_kernel::ActionPurpose;

use super::form::{PasswordForm, Submitted};
use super::link::{Link, LinkQuery};
use super::openapi::{Answered, Asked};
use super::page::Page;
use super::refusal::Refusal;
use crate::entities::NewPassword;
use crate::transport::http::client_address::ClientAddress;
use crate::transport::http::request_trace::Traceparent;
use crate::transport::http::state::ApiState;

const PURPOSE: ActionPurpose = ActionPurpose::ResetPassword;

/// Open the link of a mail about a forgotten password
///
/// A page to choose a new one. This call changes nothing.
#[utoipa::path(
    get,
    path = "/reset-password",
    tag = "pages",
    operation_id = "showResetPasswordPage",
    params(LinkQuery),
    responses(Asked)
)]
pub(super) async fn reset_password_page(
    headers: HeaderMap,
    query: Result<Query<LinkQuery>, QueryRejection>,
) -> Page {
    Link::opened(PURPOSE, query, &headers).question()
}

/// Replace a forgotten password, by the page of that link
///
/// Ends all sessions of the account.
#[utoipa::path(
    post, path = "/reset-password", tag = "pages", operation_id = "submitResetPasswordPage",
    request_body(content = PasswordForm, content_type = "application/x-www-form-urlencoded"),
    responses(Answered),
)]
pub(super) async fn submit_reset_password_page(
    State(state): State<Arc<ApiState>>,
    client: ClientAddress,
    Traceparent(traceparent): Traceparent,
    Submitted { form, locale }: Submitted<PasswordForm>,
) -> Page {
    let link = Link { purpose: PURPOSE, token: form.token.clone(), locale };
    let reset = reset(&state, client, &link, &form, traceparent).await;
    link.answer(reset)
}

async fn reset(
    state: &ApiState,
    ClientAddress(client): ClientAddress,
    link: &Link,
    form: &PasswordForm,
    traceparent: Option<String>,
) -> Result<(), Refusal> {
    link.admit(&state.rate_limits, client)?;
    if form.new_password != form.new_password_again {
        return Err(Refusal::PasswordsDiffer);
    }
    let password = NewPassword::parse(&form.new_password)?;
    state.use_cases.reset_password.execute(&link.token, password, traceparent).await?;
    Ok(())
}
