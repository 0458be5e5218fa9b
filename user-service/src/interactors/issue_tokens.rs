//! What every use case shares that gives a session its tokens.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use shared_kernel::SigningKeys;

use super::user_error::UserError;
use crate::entities::{AccessToken, RefreshToken, Session, SessionId};
use crate::repositories::SecretGenerator;

/// How long tokens count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPolicy {
    /// How long an access token counts.
    pub access_lifetime: Duration,
    /// How long after its last refresh a session ends by itself.
    pub idle_lifetime: Duration,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self {
            access_lifetime: Duration::from_secs(10 * 60),
            idle_lifetime: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

/// What the holder of a session gets.
#[derive(Debug)]
pub struct Tokens {
    /// To be shown with each call.
    pub access: SecretString,
    /// How long the access token counts.
    pub expires_in: Duration,
    /// To be exchanged for new tokens, once.
    pub refresh: SecretString,
}

/// Makes the tokens of sessions.
pub(super) struct TokenIssuer {
    keys: SigningKeys,
    secrets: Arc<dyn SecretGenerator>,
    policy: SessionPolicy,
}

impl TokenIssuer {
    pub(super) fn new(keys: SigningKeys, secrets: Arc<dyn SecretGenerator>, policy: SessionPolicy) -> Self {
        Self { keys, secrets, policy }
    }

    pub(super) fn refresh_token(&self, session: SessionId) -> Result<RefreshToken, UserError> {
        let random = self.secrets.next_secret().map_err(UserError::Secret)?;
        Ok(RefreshToken::new(session, random))
    }

    /// The refresh token that a client sent, when it was given out once.
    pub(super) fn given_out(&self, text: &str) -> Result<RefreshToken, UserError> {
        RefreshToken::verify(text, &self.keys).ok_or(UserError::Unauthenticated)
    }

    /// When a session that is used now ends by itself.
    pub(super) fn session_end(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + delta(self.policy.idle_lifetime)
    }

    pub(super) fn tokens(&self, session: &Session, refresh: &RefreshToken, now: DateTime<Utc>) -> Tokens {
        let access = AccessToken {
            user_id: session.user_id,
            session: session.id,
            expires: now + delta(self.policy.access_lifetime),
        };
        Tokens {
            access: access.sign(&self.keys),
            expires_in: self.policy.access_lifetime,
            refresh: refresh.sign(&self.keys),
        }
    }
}

fn delta(duration: Duration) -> TimeDelta {
    // A thousand years will do, and any moment that far off can be counted.
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::days(365_000)).min(TimeDelta::days(365_000))
}
