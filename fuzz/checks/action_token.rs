use chrono::DateTime;
use secrecy::ExposeSecret;
use shared_kernel::{ActionPurpose, ActionToken, SigningKeys};

const PURPOSES: [ActionPurpose; 3] =
    [ActionPurpose::ConfirmAddress, ActionPurpose::CancelAddressChange, ActionPurpose::ResetPassword];

/// As the kernel names the kind of token.
const KIND: &str = "inf-user-action+jwt";

/// A token is refused unless it was signed with our key, and then is the very text that we sign for what it says. Claims
/// that another program signed with our key, whatever they are, are read or refused.
pub(crate) fn check(data: &[u8]) {
    let keys = SigningKeys::parse(&"k".repeat(32)).expect("a key of 32 characters is taken");
    let strangers = SigningKeys::parse(&"s".repeat(32)).expect("a key of 32 characters is taken");
    let text = String::from_utf8_lossy(data);
    let claims = keys.sign(KIND, data);
    for purpose in PURPOSES {
        if let Ok(token) = ActionToken::verify(&text, purpose, &keys, DateTime::UNIX_EPOCH) {
            assert_eq!(token.sign(&keys).expose_secret(), text, "two texts for one token");
        }
        assert!(ActionToken::verify(&text, purpose, &strangers, DateTime::UNIX_EPOCH).is_err());
        if let Ok(token) = ActionToken::verify(claims.expose_secret(), purpose, &keys, DateTime::UNIX_EPOCH) {
            assert_eq!(token.purpose, purpose);
            assert!(token.expires > DateTime::UNIX_EPOCH);
        }
    }
}
