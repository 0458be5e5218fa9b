//! Every route of the service. Each comes with its description, so that there is none that the API's document does
//! not have.

use std::sync::Arc;

use axum::middleware::from_fn;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::ProblemType::{
    self, AlreadyTaken, BodyTooLarge, Forbidden, IdempotencyKeyReused, InvalidFields, InvalidRequest,
    NoSuchRoute, NoSuchUser, NotAcceptable, RequestInProgress, StaleVersion, TooManyRequests,
    Unauthenticated, UnsupportedMediaType, WrongCredentials,
};
use super::refusals::refusing;
use super::state::ApiState;
use super::{
    acceptable, address_handlers, docs_page, health, openapi, pages, password_handlers, problem_pages,
    session_handlers, user_handlers,
};

type Kinds = &'static [ProblemType];

/// Of every call that is answered in JSON.
const JSON: Kinds = &[NotAcceptable];
/// Of a call with JSON in its body.
const BODY: Kinds = &[InvalidRequest, BodyTooLarge, UnsupportedMediaType, InvalidFields];
/// Of a call about one account.
const ACCOUNT: Kinds = &[Unauthenticated, Forbidden, NoSuchUser, InvalidFields];
/// Of a call about one version of an account.
const VERSION: Kinds = &[InvalidRequest, StaleVersion];
/// Of a call that is counted.
const COUNTED: Kinds = &[TooManyRequests];
/// Of a call that may be repeated.
const REPEATABLE: Kinds = &[InvalidRequest, RequestInProgress, IdempotencyKeyReused];
/// Of a call that may give an account an address or a username.
const UNIQUE: Kinds = &[AlreadyTaken];

/// All of them.
pub(super) fn all() -> OpenApiRouter<Arc<ApiState>> {
    openapi::described(
        OpenApiRouter::with_openapi(openapi::head())
            .merge(users())
            .merge(sessions())
            .merge(passwords())
            .merge(addresses())
            .route_layer(from_fn(acceptable::check))
            .merge(pages::routes())
            .merge(service()),
    )
}

fn users() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(refusing(
            routes!(user_handlers::list),
            &[JSON, &[InvalidRequest, Unauthenticated, Forbidden, InvalidFields]],
        ))
        .routes(refusing(routes!(user_handlers::register), &[JSON, BODY, REPEATABLE, UNIQUE, COUNTED]))
        .routes(refusing(routes!(user_handlers::get), &[JSON, ACCOUNT]))
        .routes(refusing(routes!(user_handlers::replace), &[JSON, BODY, ACCOUNT, VERSION, UNIQUE, COUNTED]))
        .routes(refusing(routes!(user_handlers::patch), &[JSON, BODY, ACCOUNT, VERSION, UNIQUE, COUNTED]))
        .routes(refusing(routes!(user_handlers::delete), &[JSON, ACCOUNT, VERSION]))
}

fn sessions() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(refusing(routes!(session_handlers::log_in), &[JSON, BODY, COUNTED, &[WrongCredentials]]))
        .routes(refusing(routes!(session_handlers::refresh), &[JSON, BODY, COUNTED, &[Unauthenticated]]))
        .routes(refusing(routes!(session_handlers::log_out), &[JSON, &[Unauthenticated]]))
}

fn passwords() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(refusing(routes!(password_handlers::change), &[JSON, BODY, ACCOUNT, COUNTED]))
        .routes(refusing(routes!(password_handlers::request_reset), &[JSON, BODY, REPEATABLE, COUNTED]))
        .routes(refusing(routes!(password_handlers::reset), &[JSON, BODY, COUNTED]))
}

fn addresses() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(refusing(
            routes!(address_handlers::request_confirmation),
            &[JSON, ACCOUNT, REPEATABLE, COUNTED, &[BodyTooLarge]],
        ))
        .routes(refusing(routes!(address_handlers::confirm), &[JSON, BODY, UNIQUE, COUNTED]))
        .routes(refusing(routes!(address_handlers::cancel_change), &[JSON, BODY, COUNTED]))
}

/// About the service itself, for people and probes.
fn service() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(routes!(openapi::document))
        .routes(routes!(docs_page::index))
        .routes(refusing(routes!(docs_page::file), &[&[NoSuchRoute]]))
        .routes(refusing(routes!(problem_pages::page), &[&[NoSuchRoute]]))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(refusing(routes!(health::metrics), &[&[NoSuchRoute]]))
}
