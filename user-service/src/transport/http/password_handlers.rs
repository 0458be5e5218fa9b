//! Passwords: changing one that is known, replacing one that was forgotten.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::address_rate::WithinAddressRate;
use super::authentication::Authenticated;
use super::body::JsonBody;
use super::credential_requests::{ChangePasswordRequest, RequestPasswordResetRequest, ResetPasswordRequest};
use super::idempotency::{IdempotencyKey, respond};
use super::problem::Problem;
use super::request_trace::Traceparent;
use super::state::ApiState;
use super::user_id_path::UserIdPath;
use crate::interactors::ChangePasswordInput;

type Api = State<Arc<ApiState>>;

/// Change one's password
///
/// The account's owner may, and nobody else. The account's other sessions end.
#[utoipa::path(
    put, path = "/users/{id}/password", tag = "passwords", operation_id = "changePassword",
    params(UserIdPath),
    request_body = ChangePasswordRequest,
    security(("bearer" = [])),
    responses((status = 204, description = "The new password is in force.")),
)]
pub(super) async fn change(
    State(api): Api,
    WithinAddressRate(client): WithinAddressRate,
    Authenticated(caller): Authenticated,
    UserIdPath(id): UserIdPath,
    Traceparent(traceparent): Traceparent,
    JsonBody { value: request, .. }: JsonBody<ChangePasswordRequest>,
) -> Result<StatusCode, Problem> {
    let (current, new) = request.into_parts()?;
    api.rate_limits.check_try(client, &caller.user_id.to_string())?;
    let input = ChangePasswordInput { caller, id, current, new, traceparent };
    api.use_cases.change_password.execute(input).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for a link to replace a forgotten password
///
/// The link is mailed to the address when an account has it. The answer is the same when none has.
#[utoipa::path(
    post, path = "/password-resets", tag = "passwords", operation_id = "requestPasswordReset",
    params(IdempotencyKey),
    request_body = RequestPasswordResetRequest,
    responses((
        status = 202, description = "The request was taken down.",
        headers(("Idempotency-Replayed" = String, description = "true when this answer was given before.")),
    )),
)]
pub(super) async fn request_reset(
    State(api): Api,
    _: WithinAddressRate,
    key: IdempotencyKey,
    Traceparent(traceparent): Traceparent,
    JsonBody { value: request, bytes }: JsonBody<RequestPasswordResetRequest>,
) -> Result<Response, Problem> {
    let email = request.into_email()?;
    api.rate_limits.check_mail(&email.as_str().to_lowercase())?;
    let once = key.once(&api.keys, None, "POST /password-resets", &bytes);
    respond(&api.use_cases.request_password_reset.execute(email, once, traceparent).await?)
}

/// Replace a forgotten password
///
/// By the token of the link. All sessions of the account end.
#[utoipa::path(
    post, path = "/password-resets/confirm", tag = "passwords", operation_id = "resetPassword",
    request_body = ResetPasswordRequest,
    responses((status = 204, description = "The new password is in force.")),
)]
pub(super) async fn reset(
    State(api): Api,
    _: WithinAddressRate,
    Traceparent(traceparent): Traceparent,
    JsonBody { value: request, .. }: JsonBody<ResetPasswordRequest>,
) -> Result<StatusCode, Problem> {
    let (token, new) = request.into_parts()?;
    api.use_cases.reset_password.execute(&token, new, traceparent).await?;
    Ok(StatusCode::NO_CONTENT)
}
