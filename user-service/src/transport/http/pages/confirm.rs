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

const PURPOSE: ActionPurpose = ActionPurpose::ConfirmAddress;

/// Open the link of a mail to a new address
///
/// A page with a button that confirms the address. This call changes nothing.
#[utoipa::path(
    get,
    path = "/confirm",
    tag = "pages",
    operation_id = "showConfirmPage",
    params(LinkQuery),
    responses(Asked)
)]
pub(super) async fn confirm_page(
    headers: HeaderMap,
    query: Result<Query<LinkQuery>, QueryRejection>,
) -> Page {
    Link::opened(PURPOSE, query, &headers).question()
}

/// Confirm an address, by the page of that link
#[utoipa::path(
    post, path = "/confirm", tag = "pages", operation_id = "submitConfirmPage",
    request_body(content = LinkForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        Answered,
        (status = 409, description = "Another account has the address.", body = String, content_type = "text/html"),
    ),
)]
pub(super) async fn submit_confirm_page(
    State(state): State<Arc<ApiState>>,
    client: ClientAddress,
    Traceparent(traceparent): Traceparent,
    Submitted { form, locale }: Submitted<LinkForm>,
) -> Page {
    let link = Link { purpose: PURPOSE, token: form.token, locale };
    let confirmed = confirm(&state, client, &link, traceparent).await;
    link.answer(confirmed)
}

async fn confirm(
    state: &ApiState,
    ClientAddress(client): ClientAddress,
    link: &Link,
    traceparent: Option<String>,
) -> Result<(), Refusal> {
    link.admit(&state.rate_limits, client)?;
    state.use_cases.confirm_address.execute(&link.token, traceparent).await?;
    Ok(())
}
