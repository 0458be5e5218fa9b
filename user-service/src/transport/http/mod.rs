//! The REST API: JSON in, JSON out, and every refusal an `application/problem+json` (RFC 9457).

mod acceptable;
mod body;
mod conditional;
mod field_rules;
mod limits;
mod list_query;
mod problem;
mod problem_pages;
mod request_id;
mod security_headers;
mod server;
mod trace_context;
mod user_handlers;
mod user_id_path;
mod user_requests;
mod user_response;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
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

pub use limits::HttpLimits;
pub use server::serve;

/// The routes of the API, within limits.
pub fn router(use_cases: Arc<UseCases>, limits: HttpLimits) -> Router {
    let routes = Router::new()
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
        .layer(from_fn(acceptable::check))
        .with_state(use_cases);
    // From the innermost to the outermost: what is refused here has its id and headers too.
    limits::apply(routes, limits).layer(from_fn(security_headers::add)).layer(from_fn(request_id::follow))
}
