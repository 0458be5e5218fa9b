//! What every handler has at hand.

use shared_kernel::SigningKeys;
use telemetry::Readiness;
use telemetry::metrics::Metrics;

use super::client_address::TrustedProxies;
use super::rate_limits::RateLimits;
use crate::interactors::{
    Authenticate, CancelAddressChange, ChangePassword, ConfirmAddress, DeleteUser, GetUser, ListUsers, LogIn,
    LogOut, RefreshSession, RegisterUser, RequestConfirmation, RequestPasswordReset, ResetPassword,
    UpdateUser,
};

/// The use cases that the API drives.
#[expect(missing_docs, reason = "the fields are the use cases of the same names")]
pub struct UseCases {
    pub register_user: RegisterUser,
    pub get_user: GetUser,
    pub list_users: ListUsers,
    pub update_user: UpdateUser,
    pub delete_user: DeleteUser,
    pub log_in: LogIn,
    pub refresh_session: RefreshSession,
    pub log_out: LogOut,
    pub authenticate: Authenticate,
    pub change_password: ChangePassword,
    pub request_password_reset: RequestPasswordReset,
    pub reset_password: ResetPassword,
    pub request_confirmation: RequestConfirmation,
    pub confirm_address: ConfirmAddress,
    pub cancel_address_change: CancelAddressChange,
}

/// Shared by all requests.
pub(super) struct ApiState {
    pub(super) use_cases: UseCases,
    pub(super) rate_limits: RateLimits,
    pub(super) trusted_proxies: TrustedProxies,
    /// For the fingerprints of idempotent requests.
    pub(super) keys: SigningKeys,
    /// For probes.
    pub(super) readiness: Readiness,
    /// Where they are told.
    pub(super) metrics: Option<Metrics>,
}
