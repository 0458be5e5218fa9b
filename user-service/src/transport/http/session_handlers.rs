//! Sessions: logging in, carrying on, logging out.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::address_rate::WithinAddressRate;
use super::authentication::Authenticated;
use super::body::JsonBody;
use super::credential_requests::{LogInRequest, RefreshSessionRequest};
use super::problem::Problem;
use super::session_response::TokensResponse;
use super::state::ApiState;
use crate::entities::Login;

type Api = State<Arc<ApiState>>;

/// Log in
///
/// By the username or the address, and the password. An unknown name is answered as a wrong password is.
#[utoipa::path(
    post, path = "/sessions", tag = "sessions", operation_id = "logIn",
    request_body = LogInRequest,
    responses((
        status = 201, description = "A session was begun.", body = TokensResponse,
        links(("refreshSession" = (
            operation_id = "refreshSession",
            request_body = json!({"refreshToken": "$response.body#/refreshToken"})
        ))),
    )),
)]
pub(super) async fn log_in(
    State(api): Api,
    WithinAddressRate(client): WithinAddressRate,
    JsonBody { value: request, .. }: JsonBody<LogInRequest>,
) -> Result<(StatusCode, Json<TokensResponse>), Problem> {
    let (login, password) = request.into_parts()?;
    api.rate_limits.check_try(client, &login.trim().to_lowercase())?;
    let tokens = api.use_cases.log_in.execute(&Login::parse(&login), &password).await?;
    Ok((StatusCode::CREATED, Json(TokensResponse::from(&tokens))))
}

/// Carry a session on
///
/// Takes the session's refresh token and gives new tokens. A refresh token counts once: when it is shown again, the
/// session ends, since somebody has stolen it.
#[utoipa::path(
    post, path = "/sessions/refresh", tag = "sessions", operation_id = "refreshSession",
    request_body = RefreshSessionRequest,
    responses((
        status = 200, description = "The session goes on.", body = TokensResponse,
        links(("refreshSession" = (
            operation_id = "refreshSession",
            request_body = json!({"refreshToken": "$response.body#/refreshToken"})
        ))),
    )),
)]
pub(super) async fn refresh(
    State(api): Api,
    _: WithinAddressRate,
    JsonBody { value: request, .. }: JsonBody<RefreshSessionRequest>,
) -> Result<Json<TokensResponse>, Problem> {
    let tokens = api.use_cases.refresh_session.execute(&request.into_token()?).await?;
    Ok(Json(TokensResponse::from(&tokens)))
}

/// Log out
///
/// Ends the session whose access token is sent.
#[utoipa::path(
    delete, path = "/sessions/current", tag = "sessions", operation_id = "logOut",
    security(("bearer" = [])),
    responses((status = 204, description = "None of the session's tokens counts any more.")),
)]
pub(super) async fn log_out(
    State(api): Api,
    Authenticated(caller): Authenticated,
) -> Result<StatusCode, Problem> {
    api.use_cases.log_out.execute(caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
