use std::fmt;

use chrono::{DateTime, Utc};
use shared_kernel::UserId;

/// A keyed hash, by which two texts are told to be the same while neither is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(…)")
    }
}

/// A request that its sender may repeat without its effect taking place twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// Of the caller, the route and the key that the caller chose.
    pub key: Fingerprint,
    /// Of the body.
    pub body: Fingerprint,
    /// From when on the key may stand for another request.
    pub expires_at: DateTime<Utc>,
}

/// What was answered to an idempotent request, kept in the same transaction as its effect.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The body's fingerprint of the request that was answered.
    pub body: Fingerprint,
    /// The answer as whoever drives the use case wrote it down. May hold personal data.
    pub text: String,
    /// The account that it is about: when that goes, the answer goes too.
    pub user_id: Option<UserId>,
    /// Until when it is kept.
    pub expires_at: DateTime<Utc>,
}

impl fmt::Debug for StoredAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredAnswer").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}
