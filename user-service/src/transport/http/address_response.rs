use serde::Serialize;
use shared_kernel::AccountStatus;
use utoipa::ToSchema;

use super::field_schemas;
use crate::entities::User;

/// What became of an account's address.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AddressInForce)]
pub(super) struct AddressResponse {
    /// The address in force.
    email: String,
    #[schema(schema_with = field_schemas::status)]
    status: AccountStatus,
}

impl From<&User> for AddressResponse {
    fn from(user: &User) -> Self {
        Self { email: user.email.as_str().to_owned(), status: user.status }
    }
}
