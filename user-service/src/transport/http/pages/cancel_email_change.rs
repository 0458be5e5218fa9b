use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use shared_kernel::ActionPurpose;

use super::form::{LinkForm, Submitted};
use super::link::{Link, LinkQuery};
use super::openapi::{Answered, Asked};
use super::page::Page;
use super::refusal::Refusal;
use crate::transport::http::client_address::ClientAddress;
use crate::transport::http::request_trace::Traceparent;
use crate::transport::http::state::ApiState;

const PURPOSE: ActionPurpose = ActionPurpose::CancelAddressChange;

/// Open the link of a mail about a change of address
///
/// A page with a button that stops the change. This call changes nothing.
#[utoipa::path(
    get,
    path = "/cancel-email-change",
    tag = "pages",
    operation_id = "showCancelEmailChangePage",
    params(LinkQuery),
    responses(Asked)
)]
pub(super) async fn cancel_email_change_page(
    headers: HeaderMap,
    query: Result<Query<LinkQuery>, QueryRejection>,
) -> Page {
    Link::opened(PURPOSE, query, &headers).question()
}

/// Stop the change of an address, by the page of that link
#[utoipa::path(
    post, path = "/cancel-email-change", tag = "pages", operation_id = "submitCancelEmailChangePage",
    request_body(content = LinkForm, content_type = "application/x-www-form-urlencoded"),
    responses(Answered),
)]
pub(super) async fn submit_cancel_email_change_page(
    State(state): State<Arc<ApiState>>,
    client: ClientAddress,
    Traceparent(traceparent): Traceparent,
    Submitted { form, locale }: Submitted<LinkForm>,
) -> Page {
    let link = Link { purpose: PURPOSE, token: form.token, locale };
    let cancelled = cancel(&state, client, &link, traceparent).await;
    link.answer(cancelled)
}

async fn cancel(
    state: &ApiState,
    ClientAddress(client): ClientAddress,
    link: &Link,
    traceparent: Option<String>,
) -> Result<(), Refusal> {
    link.admit(&state.rate_limits, client)?;
    state.use_cases.cancel_address_change.execute(&link.token, traceparent).await?;
    Ok(())
}
