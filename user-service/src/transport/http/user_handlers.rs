//! Accounts: one function a call, which reads the request, runs the use case and says what came of it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::address_rate::WithinAddressRate;
use super::authentication::Authenticated;
use super::body::{JsonBody, MergePatchBody};
use super::client_address::ClientAddress;
use super::conditional::IfMatch;
use super::idempotency::{IdempotencyKey, respond};
use super::list_query::ListQuery;
use super::problem::Problem;
use super::request_trace::Traceparent;
use super::state::ApiState;
use super::user_id_path::UserIdPath;
use super::user_requests::{CheckedUpdate, PatchUserRequest, RegisterUserRequest, ReplaceUserRequest};
use super::user_response::{UserPageResponse, UserResponse};
use crate::entities::{Caller, FieldUpdate};
use crate::interactors::{DeleteUserInput, RegisterUserInput, UpdateUserInput};

type Api = State<Arc<ApiState>>;

/// Register an account
///
/// Anybody may. The account is Unconfirmed until the link in the mail that is sent to its address is opened.
#[utoipa::path(
    post, path = "/users", tag = "users", operation_id = "registerUser",
    params(IdempotencyKey),
    request_body = RegisterUserRequest,
    responses((
        status = 201, description = "The account was made.", body = UserResponse,
        headers(
            ("Location" = String, description = "The account's path."),
            ("ETag" = String, description = "The account's version."),
            ("Idempotency-Replayed" = String, description = "true when this answer was given before."),
        ),
        links(
            ("getUser" = (operation_id = "getUser", parameters(("id" = "$response.body#/id")))),
            ("replaceUser" = (operation_id = "replaceUser", parameters(("id" = "$response.body#/id")))),
            ("patchUser" = (operation_id = "patchUser", parameters(("id" = "$response.body#/id")))),
            ("deleteUser" = (operation_id = "deleteUser", parameters(("id" = "$response.body#/id")))),
        ),
    )),
)]
pub(super) async fn register(
    State(api): Api,
    _: WithinAddressRate,
    key: IdempotencyKey,
    Traceparent(traceparent): Traceparent,
    JsonBody { value: request, bytes }: JsonBody<RegisterUserRequest>,
) -> Result<Response, Problem> {
    let (registration, password) = request.into_parts()?;
    api.rate_limits.check_mail(&registration.email.as_str().to_lowercase())?;
    let once = key.once(&api.keys, None, "POST /users", &bytes);
    let input = RegisterUserInput { registration, password, once, traceparent };
    respond(&api.use_cases.register_user.execute(input).await?)
}

/// Read an account
///
/// Its owner and admins may.
#[utoipa::path(
    get, path = "/users/{id}", tag = "users", operation_id = "getUser",
    params(UserIdPath),
    security(("bearer" = [])),
    responses((
        status = 200, description = "The account.", body = UserResponse,
        headers(("ETag" = String, description = "The account's version, for If-Match.")),
    )),
)]
pub(super) async fn get(
    State(api): Api,
    Authenticated(caller): Authenticated,
    UserIdPath(id): UserIdPath,
) -> Result<UserResponse, Problem> {
    Ok(UserResponse::from(&api.use_cases.get_user.execute(caller, id).await?))
}

/// List accounts
///
/// Admins may. A page at a time, in the order of registration.
#[utoipa::path(
    get, path = "/users", tag = "users", operation_id = "listUsers",
    params(ListQuery),
    security(("bearer" = [])),
    responses((
        status = 200, description = "A page of accounts.", body = UserPageResponse,
        headers(("Link" = String, description = "The next page (rel=\"next\", RFC 8288), unless this is the last.")),
    )),
)]
pub(super) async fn list(
    State(api): Api,
    Authenticated(caller): Authenticated,
    query: ListQuery,
) -> Result<Response, Problem> {
    let page = api.use_cases.list_users.execute(caller, query.to_page_request()).await?;
    let next = page.next.map(|cursor| {
        let link = HeaderValue::try_from(query.next_link(cursor));
        (header::LINK, link.expect("what is percent-encoded may stand in a header"))
    });
    let mut response = Json(UserPageResponse::from(page)).into_response();
    response.headers_mut().extend(next);
    Ok(response)
}

/// Replace an account
///
/// What is left out is set to nothing. A confirmed account's new address stays in pendingEmail until it is confirmed.
#[utoipa::path(
    put, path = "/users/{id}", tag = "users", operation_id = "replaceUser",
    params(UserIdPath, IfMatch),
    request_body = ReplaceUserRequest,
    security(("bearer" = [])),
    responses((
        status = 200, description = "The account as it is now.", body = UserResponse,
        headers(("ETag" = String, description = "The account's version.")),
    )),
)]
pub(super) async fn replace(
    State(api): Api,
    ClientAddress(client): ClientAddress,
    Authenticated(caller): Authenticated,
    UserIdPath(id): UserIdPath,
    IfMatch(expected_version): IfMatch,
    Traceparent(traceparent): Traceparent,
    JsonBody { value: request, .. }: JsonBody<ReplaceUserRequest>,
) -> Result<UserResponse, Problem> {
    let (update, current_password) = within_account_rate(&api, client, caller, request.into_parts()?)?;
    let input = UpdateUserInput { caller, id, update, current_password, expected_version, traceparent };
    Ok(UserResponse::from(&api.use_cases.update_user.execute(input).await?))
}

/// Change some of an account
///
/// A JSON Merge Patch (RFC 7396): what is left out stays, null is set to nothing. A confirmed account's new address
/// stays in pendingEmail until it is confirmed.
#[utoipa::path(
    patch, path = "/users/{id}", tag = "users", operation_id = "patchUser",
    params(UserIdPath, IfMatch),
    request_body(content(
        (PatchUserRequest = "application/merge-patch+json"),
        (PatchUserRequest = "application/json"),
    )),
    security(("bearer" = [])),
    responses((
        status = 200, description = "The account as it is now.", body = UserResponse,
        headers(("ETag" = String, description = "The account's version.")),
    )),
)]
pub(super) async fn patch(
    State(api): Api,
    ClientAddress(client): ClientAddress,
    Authenticated(caller): Authenticated,
    UserIdPath(id): UserIdPath,
    IfMatch(expected_version): IfMatch,
    Traceparent(traceparent): Traceparent,
    MergePatchBody(request): MergePatchBody<PatchUserRequest>,
) -> Result<UserResponse, Problem> {
    let (update, current_password) = within_account_rate(&api, client, caller, request.into_parts()?)?;
    let input = UpdateUserInput { caller, id, update, current_password, expected_version, traceparent };
    Ok(UserResponse::from(&api.use_cases.update_user.execute(input).await?))
}

/// Delete an account
///
/// Its owner and admins may. Its sessions end.
#[utoipa::path(
    delete, path = "/users/{id}", tag = "users", operation_id = "deleteUser",
    params(UserIdPath, IfMatch),
    security(("bearer" = [])),
    responses((status = 204, description = "The account is gone.")),
)]
pub(super) async fn delete(
    State(api): Api,
    Authenticated(caller): Authenticated,
    UserIdPath(id): UserIdPath,
    IfMatch(expected_version): IfMatch,
    Traceparent(traceparent): Traceparent,
) -> Result<StatusCode, Problem> {
    api.use_cases.delete_user.execute(DeleteUserInput { caller, id, expected_version, traceparent }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whoever gives a password may be guessing it: their own account's, since no other one's is looked at. Every change
/// sends a mail, and a new address gets one before it has shown that it wants any.
fn within_account_rate(
    api: &ApiState,
    client: IpAddr,
    caller: Caller,
    update: CheckedUpdate,
) -> Result<CheckedUpdate, Problem> {
    let account = caller.user_id.to_string();
    if !caller.is_admin() {
        api.rate_limits.check_change(&account)?;
    }
    if update.1.is_some() {
        api.rate_limits.check_try(client, &account)?;
        if let FieldUpdate::Set(email) = &update.0.email {
            api.rate_limits.check_mail(&email.as_str().to_lowercase())?;
        }
    }
    Ok(update)
}
