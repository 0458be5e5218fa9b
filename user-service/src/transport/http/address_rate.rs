use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::client_address::ClientAddress;
use super::problem::Problem;
use super::state::ApiState;

/// Counts a call by the address that it came from, which it holds, and refuses it when there are too many from there.
pub(super) struct WithinAddressRate(pub(super) IpAddr);

impl FromRequestParts<Arc<ApiState>> for WithinAddressRate {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self, Problem> {
        let Ok(ClientAddress(address)) = ClientAddress::from_request_parts(parts, state).await;
        state.rate_limits.check_address(address).map(|()| Self(address))
    }
}
