//! One function a call: reads the request, runs the use case, says what came of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::UseCases;
use super::body::{JsonBody, MergePatchBody};
use super::conditional::IfMatch;
use super::list_query::ListQuery;
use super::problem::Problem;
use super::trace_context::Traceparent;
use super::user_id_path::UserIdPath;
use super::user_requests::{PatchUserRequest, RegisterUserRequest, ReplaceUserRequest};
use super::user_response::{UserPageResponse, UserResponse};
use crate::interactors::{RegisterUserInput, UpdateUserInput};

type AppState = State<Arc<UseCases>>;

pub(super) async fn register(
    State(use_cases): AppState,
    Traceparent(traceparent): Traceparent,
    JsonBody(request): JsonBody<RegisterUserRequest>,
) -> Result<Response, Problem> {
    let (registration, password) = request.into_parts()?;
    let user =
        use_cases.register_user.execute(RegisterUserInput { registration, password, traceparent }).await?;
    let location =
        HeaderValue::from_str(&format!("/users/{}", user.id)).expect("a UUID may stand in a header");
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], UserResponse::from(&user)).into_response())
}

pub(super) async fn get(
    State(use_cases): AppState,
    UserIdPath(id): UserIdPath,
) -> Result<UserResponse, Problem> {
    Ok(UserResponse::from(&use_cases.get_user.execute(id).await?))
}

pub(super) async fn list(
    State(use_cases): AppState,
    query: ListQuery,
) -> Result<Json<UserPageResponse>, Problem> {
    Ok(Json(use_cases.list_users.execute(query.after, query.limit).await?.into()))
}

pub(super) async fn replace(
    State(use_cases): AppState,
    UserIdPath(id): UserIdPath,
    IfMatch(expected_version): IfMatch,
    Traceparent(traceparent): Traceparent,
    JsonBody(request): JsonBody<ReplaceUserRequest>,
) -> Result<UserResponse, Problem> {
    let input = UpdateUserInput { id, update: request.into_update()?, expected_version, traceparent };
    Ok(UserResponse::from(&use_cases.update_user.execute(input).await?))
}

pub(super) async fn patch(
    State(use_cases): AppState,
    UserIdPath(id): UserIdPath,
    IfMatch(expected_version): IfMatch,
    Traceparent(traceparent): Traceparent,
    MergePatchBody(request): MergePatchBody<PatchUserRequest>,
) -> Result<UserResponse, Problem> {
    let input = UpdateUserInput { id, update: request.into_update()?, expected_version, traceparent };
    Ok(UserResponse::from(&use_cases.update_user.execute(input).await?))
}

pub(super) async fn delete(
    State(use_cases): AppState,
    UserIdPath(id): UserIdPath,
    IfMatch(expected_version): IfMatch,
    Traceparent(traceparent): Traceparent,
) -> Result<StatusCode, Problem> {
    use_cases.delete_user.execute(id, expected_version, traceparent).await?;
    Ok(StatusCode::NO_CONTENT)
}
