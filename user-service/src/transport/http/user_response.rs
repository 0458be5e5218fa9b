use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared_kernel::{AccountStatus, Locale, UserId};

use super::conditional::etag;
use crate::entities::{EmailAddress, FullName, PostalAddress, User};
use crate::interactors::UserPage;

/// An account as clients see it. There is no password in it, nor its hash.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserResponse {
    id: UserId,
    username: String,
    email: String,
    pending_email: Option<String>,
    full_name: Option<String>,
    date_of_birth: Option<String>,
    address: Option<String>,
    status: AccountStatus,
    locale: Locale,
    created_at: String,
    last_updated: String,
    #[serde(skip)]
    version: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserPageResponse {
    items: Vec<UserResponse>,
    next_cursor: Option<UserId>,
}

impl From<&User> for UserResponse {
    fn from(user: &User) -> Self {
        let time =
            |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        Self {
            id: user.id,
            username: user.username.as_str().to_owned(),
            email: user.email.as_str().to_owned(),
            pending_email: user.pending_email.as_ref().map(EmailAddress::as_str).map(str::to_owned),
            full_name: user.full_name.as_ref().map(FullName::as_str).map(str::to_owned),
            date_of_birth: user.date_of_birth.map(|date| date.date().to_string()),
            address: user.address.as_ref().map(PostalAddress::as_str).map(str::to_owned),
            status: user.status,
            locale: user.locale,
            created_at: time(user.created_at),
            last_updated: time(user.last_updated),
            version: user.version,
        }
    }
}

impl IntoResponse for UserResponse {
    fn into_response(self) -> Response {
        ([(header::ETAG, etag(self.version))], Json(self)).into_response()
    }
}

impl From<UserPage> for UserPageResponse {
    fn from(page: UserPage) -> Self {
        Self { items: page.users.iter().map(UserResponse::from).collect(), next_cursor: page.next }
    }
}
