use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use shared_kernel::{SigningKeys, UserId};
use uuid::Uuid;

use super::SessionId;

/// The `typ` of RFC 9068.
const KIND: &str = "at+jwt";

/// What a client shows with each call: a signed statement of who it is, which counts for some minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessToken {
    /// Who the client acts for.
    pub user_id: UserId,
    /// The session that it belongs to; it ends with it.
    pub session: SessionId,
    /// From when on it counts no more, to the second.
    pub expires: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: UserId,
    sid: Uuid,
    exp: i64,
}

impl AccessToken {
    /// The token as its holder gets it: a JSON Web Token.
    pub fn sign(&self, keys: &SigningKeys) -> SecretString {
        let claims = Claims { sub: self.user_id, sid: self.session.0, exp: self.expires.timestamp() };
        let claims = serde_json::to_vec(&claims).expect("claims have string keys and no failing serializer");
        keys.sign(KIND, &claims)
    }

    /// Reads a token that is genuine and has not expired; `None` when it is not so. Whether its session has
    /// ended is for the caller to see.
    pub fn verify(token: &str, keys: &SigningKeys, now: DateTime<Utc>) -> Option<Self> {
        let claims: Claims = serde_json::from_slice(&keys.verify(KIND, token)?).ok()?;
        let expires = DateTime::from_timestamp(claims.exp, 0)?;
        (now < expires).then_some(Self { user_id: claims.sub, session: SessionId(claims.sid), expires })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_token_counts_until_it_expires_and_by_its_key_alone() {
        let keys = |letter: &str| SigningKeys::parse(&letter.repeat(32)).unwrap();
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let token = AccessToken {
            user_id: UserId(Uuid::from_u128(7)),
            session: SessionId(Uuid::from_u128(8)),
            expires: at(1000),
        };
        let signed = token.sign(&keys("k"));
        assert_eq!(AccessToken::verify(signed.expose_secret(), &keys("k"), at(999)), Some(token));
        assert_eq!(AccessToken::verify(signed.expose_secret(), &keys("k"), at(1000)), None);
        assert_eq!(AccessToken::verify(signed.expose_secret(), &keys("x"), at(999)), None);
    }
}
