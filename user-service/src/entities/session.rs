use chrono::{DateTime, Utc};
use shared_kernel::UserId;
use uuid::Uuid;

use super::RefreshHash;

/// Identifies a session for its whole life, through every refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub Uuid);

/// A login that has not ended: what a family of refresh tokens belongs to, of which one counts at a time.
#[derive(Debug, Clone)]
pub struct Session {
    /// A UUIDv7.
    pub id: SessionId,
    /// Who logged in.
    pub user_id: UserId,
    /// The hash of the one refresh token that counts.
    pub refresh_hash: RefreshHash,
    /// When the login was.
    pub created_at: DateTime<Utc>,
    /// From when on it has ended, unless it is refreshed before.
    pub expires_at: DateTime<Utc>,
}
