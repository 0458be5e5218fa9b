//! The mailbox over HTTP: its routes, and what holds for every answer.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{from_fn, map_response};
use axum::response::Response;

use super::store::Mailbox;
use super::{api, guard, page};

/// The mailbox's page and JSON.
///
/// | path | answer |
/// |---|---|
/// | `GET /`, `GET /view/{ID}` | the page: the list, and one mail |
/// | `GET /view/{ID}.html`, `GET /view/{ID}.txt` | a mail's HTML, in a sandbox, and its text |
/// | `GET /api/v1/messages?start&limit` | the list, newest first; with `ETag`, so that polling is cheap |
/// | `DELETE /api/v1/messages` | deletes all, or those of a body `{"IDs": […]}` |
/// | `GET /api/v1/message/{ID}` | one mail, which is then marked as read |
/// | `GET /api/v1/message/{ID}/raw`, `…/headers` | its source, and its headers |
///
/// `latest` is an id too. The mailbox has no login: it refuses names that are neither an IP address nor `localhost`,
/// and changes that another site's page asks for.
pub fn http_router(mailbox: Mailbox) -> Router {
    Router::new()
        .merge(api::routes())
        .merge(page::routes())
        .with_state(mailbox)
        .layer(from_fn(guard::refuse_other_sites))
        .layer(map_response(with_security_headers))
}

/// A route that needs a policy of its own has set it by now.
async fn with_security_headers(mut response: Response) -> Response {
    const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_SECURITY_POLICY, NOTHING),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in headers {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
