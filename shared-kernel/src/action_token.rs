use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{SigningKeys, UserId};

const KIND: &str = "inf-user-action+jwt";

/// What the holder of an [`ActionToken`] may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionPurpose {
    /// Show that the address is theirs.
    ConfirmAddress,
    /// Stop a change to another address.
    CancelAddressChange,
    /// Choose a new password.
    ResetPassword,
}

/// A right to do one thing once, sent to the address that it is about. It is never stored and never travels on
/// the topic: the notifier signs it from an event, and user-service honours it while the account is still as
/// the event found it.
///
/// Single-use, because whatever it is used for raises the account's `securityVersion`, which must be equal.
/// Whether it has expired is decided by user-service's clock alone: `expires` is counted from the event's own
/// time, which is of the same clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionToken {
    /// What it is for.
    pub purpose: ActionPurpose,
    /// Whose account.
    #[serde(rename = "sub")]
    pub user_id: UserId,
    /// The address that the token was sent to.
    pub address: String,
    /// The account's `securityVersion` as the event had it.
    #[serde(rename = "sv")]
    pub security_version: i64,
    /// From when on it counts no more, to the second.
    #[serde(rename = "exp", with = "chrono::serde::ts_seconds")]
    pub expires: DateTime<Utc>,
}

/// The token is forged, damaged, expired or for something else. Which of them is nobody's business.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the token does not count for this, or not any more")]
pub struct BadActionToken;

impl ActionToken {
    /// The token as it stands in a link.
    pub fn sign(&self, keys: &SigningKeys) -> SecretString {
        let claims = serde_json::to_vec(self).expect("claims have string keys and no failing serializer");
        keys.sign(KIND, &claims)
    }

    /// Reads a token that was signed for that purpose and has not expired. Whether the account is still as the
    /// token says is for the caller to see.
    ///
    /// # Errors
    ///
    /// [`BadActionToken`].
    pub fn verify(
        token: &str,
        purpose: ActionPurpose,
        keys: &SigningKeys,
        now: DateTime<Utc>,
    ) -> Result<Self, BadActionToken> {
        let claims = keys.verify(KIND, token).ok_or(BadActionToken)?;
        let token: Self = serde_json::from_slice(&claims).map_err(|_| BadActionToken)?;
        if token.purpose == purpose && now < token.expires { Ok(token) } else { Err(BadActionToken) }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn token() -> ActionToken {
        ActionToken {
            purpose: ActionPurpose::ConfirmAddress,
            user_id: UserId(Uuid::from_u128(7)),
            address: "ada@new.example".into(),
            security_version: 3,
            expires: at(1000),
        }
    }

    fn keys() -> SigningKeys {
        SigningKeys::parse(&"k".repeat(32)).unwrap()
    }

    #[test]
    fn it_counts_for_its_purpose_until_it_expires() {
        let signed = token().sign(&keys());
        let verify = |purpose, now| ActionToken::verify(signed.expose_secret(), purpose, &keys(), at(now));
        assert_eq!(verify(ActionPurpose::ConfirmAddress, 999), Ok(token()));
        assert_eq!(verify(ActionPurpose::ConfirmAddress, 1000), Err(BadActionToken));
        for other in [ActionPurpose::CancelAddressChange, ActionPurpose::ResetPassword] {
            assert_eq!(verify(other, 999), Err(BadActionToken));
        }
    }

    #[test]
    fn another_key_or_another_kind_of_token_does_not_count() {
        let signed = token().sign(&SigningKeys::parse(&"x".repeat(32)).unwrap());
        let of_another_kind = keys().sign("at+jwt", &serde_json::to_vec(&token()).unwrap());
        for forged in [signed, of_another_kind] {
            let read = ActionToken::verify(forged.expose_secret(), token().purpose, &keys(), at(0));
            assert_eq!(read, Err(BadActionToken));
        }
    }
}
