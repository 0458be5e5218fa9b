use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use super::field_schemas;
use crate::interactors::Tokens;

/// The tokens of a session.
// Without `Debug`, so that they cannot be printed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Tokens)]
pub(super) struct TokensResponse {
    /// To be sent with each call: `Authorization: Bearer …`.
    access_token: String,
    #[schema(schema_with = field_schemas::bearer)]
    token_type: &'static str,
    /// For how many seconds the access token counts.
    expires_in: u64,
    /// To be exchanged for new tokens, once.
    refresh_token: String,
}

impl From<&Tokens> for TokensResponse {
    fn from(tokens: &Tokens) -> Self {
        Self {
            access_token: tokens.access.expose_secret().to_owned(),
            token_type: "Bearer",
            expires_in: tokens.expires_in.as_secs(),
            refresh_token: tokens.refresh.expose_secret().to_owned(),
        }
    }
}
