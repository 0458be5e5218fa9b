use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared_kernel::{AccountStatus, Locale, UserId};
use utoipa::ToSchema;

use super::answer::{Answer, Answered};
use super::conditional::{etag, etag_text};
use super::field_schemas;
use crate::entities::{EmailAddress, FullName, PostalAddress, User};
use crate::interactors::UserPage;

/// An account as clients see it. There is no password in it, nor its hash.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub(super) struct UserResponse {
    #[schema(schema_with = field_schemas::user_id)]
    id: UserId,
    /// To log in by. Unique without regard to case.
    username: String,
    /// The address in force. Unique without regard to case.
    email: String,
    /// An address that waits for its confirmation, and will then be the one in force.
    #[schema(required = true)]
    pending_email: Option<String>,
    /// The name to be addressed by.
    #[schema(required = true)]
    full_name: Option<String>,
    /// A day.
    #[schema(required = true, format = "date")]
    date_of_birth: Option<String>,
    /// A postal address.
    #[schema(required = true)]
    address: Option<String>,
    #[schema(schema_with = field_schemas::status)]
    status: AccountStatus,
    #[schema(schema_with = field_schemas::locale)]
    locale: Locale,
    #[schema(schema_with = field_schemas::role)]
    role: &'static str,
    #[schema(schema_with = field_schemas::time)]
    created_at: String,
    #[schema(schema_with = field_schemas::time)]
    last_updated: String,
    #[serde(skip)]
    version: i64,
}

/// Some accounts, in the order of their registration.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UserPage)]
pub(super) struct UserPageResponse {
    items: Vec<UserResponse>,
    /// To be given as cursor for the next page; null when this is the last one.
    #[schema(required = true, value_type = Option<String>, format = "uuid")]
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
            role: user.role.as_str(),
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

/// The account was made.
impl Answered for User {
    fn answer(&self) -> Answer {
        let body = serde_json::to_string(&UserResponse::from(self));
        Answer {
            status: StatusCode::CREATED.as_u16(),
            location: Some(format!("/users/{}", self.id)),
            etag: Some(etag_text(self.version)),
            body: Some(body.expect("an account has string keys and no failing serializer")),
        }
    }
}

impl From<UserPage> for UserPageResponse {
    fn from(page: UserPage) -> Self {
        Self { items: page.users.iter().map(UserResponse::from).collect(), next_cursor: page.next }
    }
}
