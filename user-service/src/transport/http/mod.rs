//! The REST API: JSON in, JSON out, and every refusal an `application/problem+json` (RFC 9457).

mod body;
mod conditional;
mod field_rules;
mod list_query;
mod problem;
mod problem_pages;
mod trace_context;
mod user_handlers;
mod user_id_path;
mod user_requests;
mod user_response;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;

use crate::interactors::{DeleteUser, GetUser, ListUsers, RegisterUser, UpdateUser};

/// The most bytes that a request's body may have.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The use cases that the API drives.
#[expect(missing_docs, reason = "the fields are the use cases of the same names")]
pub struct UseCases {
    pub register_user: RegisterUser,
    pub get_user: GetUser,
    pub list_users: ListUsers,
    pub update_user: UpdateUser,
    pub delete_user: DeleteUser,
}

/// The routes of the API.
pub fn router(use_cases: Arc<UseCases>) -> Router {
    Router::new()
        .route("/users", get(user_handlers::list).post(user_handlers::register))
        .route(
            "/users/{id}",
            get(user_handlers::get)
                .put(user_handlers::replace)
                .patch(user_handlers::patch)
                .delete(user_handlers::delete),
        )
        .route("/problems/{name}", get(problem_pages::page))
        .route("/health/live", get(|| async { "alive\n" }))
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(use_cases)
}
