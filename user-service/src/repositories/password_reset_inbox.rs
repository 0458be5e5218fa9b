use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::RepositoryError;
use crate::entities::EmailAddress;

/// Requests for a password reset that nobody has looked at yet.
///
/// They are kept as they come, whether or not anybody has the address, so that the time until the answer tells
/// nothing about it.
#[async_trait]
pub trait PasswordResetInbox: Send + Sync {
    /// The oldest requests, at most `max`. Several callers may get the same ones.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn oldest_reset_requests(&self, max: u32) -> Result<Vec<PasswordResetRequest>, RepositoryError>;
}

/// Somebody says that they have forgotten their password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordResetRequest {
    /// A UUIDv7.
    pub id: Uuid,
    /// The address that they gave.
    pub email: EmailAddress,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
}

/// Requests for a password reset within a transaction.
#[async_trait]
pub trait PasswordResetWrites {
    /// Adds a request.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn add_reset_request(&mut self, request: &PasswordResetRequest) -> Result<(), RepositoryError>;

    /// Removes a request, waiting for any other transaction that does so; `false` when another one has.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`].
    async fn take_reset_request(&mut self, id: Uuid) -> Result<bool, RepositoryError>;
}
