//! Addresses: confirming one, stopping the change to another one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;

use super::address_rate::WithinAddressRate;
use super::address_response::AddressResponse;
use super::authentication::Authenticated;
use super::body::{EmptyBody, JsonBody};
use super::credential_requests::TokenRequest;
use super::idempotency::{IdempotencyKey, respond};
use super::problem::Problem;
use super::request_trace::Traceparent;
use super::state::ApiState;
use super::user_id_path::UserIdPath;
use crate::interactors::RequestConfirmationInput;

type Api = State<Arc<ApiState>>;

/// Ask for another link to confirm an address
///
/// The account's owner and admins may. Nothing is mailed when no address of the account waits to be confirmed.
#[utoipa::path(
    post, path = "/users/{id}/confirmation-mails", tag = "addresses", operation_id = "requestConfirmation",
    params(UserIdPath, IdempotencyKey),
    security(("bearer" = [])),
    responses((
        status = 202, description = "The request was taken down.",
        headers(("Idempotency-Replayed" = String, description = "true when this answer was given before.")),
    )),
)]
pub(super) async fn request_confirmation(
    State(api): Api,
    _: WithinAddressRate,
    Authenticated(caller): Authenticated,
    UserIdPath(id): UserIdPath,
    key: IdempotencyKey,
    Traceparent(traceparent): Traceparent,
    _: EmptyBody,
) -> Result<Response, Problem> {
    api.rate_limits.check_mail(&caller.user_id.to_string())?;
    let once = key.once(&api.keys, Some(caller), &format!("POST /users/{id}/confirmation-mails"), b"");
    let input = RequestConfirmationInput { caller, id, once, traceparent };
    respond(&api.use_cases.request_confirmation.execute(input).await?)
}

/// Confirm an address
///
/// By the token of the link that was mailed to it.
#[utoipa::path(
    post, path = "/confirmations", tag = "addresses", operation_id = "confirmAddress",
    request_body = TokenRequest,
    responses((status = 200, description = "The address is confirmed and in force.", body = AddressResponse)),
)]
pub(super) async fn confirm(
    State(api): Api,
    _: WithinAddressRate,
    Traceparent(traceparent): Traceparent,
    JsonBody { value: request, .. }: JsonBody<TokenRequest>,
) -> Result<Json<AddressResponse>, Problem> {
    let user = api.use_cases.confirm_address.execute(&request.into_token()?, traceparent).await?;
    Ok(Json(AddressResponse::from(&user)))
}

/// Stop the change to another address
///
/// By the token of the link that was mailed to the address in force.
#[utoipa::path(
    post, path = "/email-change-cancellations", tag = "addresses", operation_id = "cancelAddressChange",
    request_body = TokenRequest,
    responses((status = 200, description = "The address in force stays so.", body = AddressResponse)),
)]
pub(super) async fn cancel_change(
    State(api): Api,
    _: WithinAddressRate,
    Traceparent(traceparent): Traceparent,
    JsonBody { value: request, .. }: JsonBody<TokenRequest>,
) -> Result<Json<AddressResponse>, Problem> {
    let user = api.use_cases.cancel_address_change.execute(&request.into_token()?, traceparent).await?;
    Ok(Json(AddressResponse::from(&user)))
}
