//! The entities' rules in the form that `validator` runs, and those of fields that no entity is made of.

use shared_kernel::Locale;
use validator::ValidationError;

use crate::entities::{
    DateOfBirth, EmailAddress, FullName, GivenPassword, NewPassword, PostalAddress, Username, Violation,
};

/// The most characters of what somebody gives as their name to log in by. More than any name has.
pub(super) const MAX_LOGIN_CHARS: usize = 320;

/// The most characters of a token. More than any token has.
pub(super) const MAX_TOKEN_CHARS: usize = 2048;

/// The language of a request's `locale`.
pub(super) fn parse_locale(tag: &str) -> Result<Locale, Violation> {
    Locale::from_tag(tag).ok_or(Violation { code: "unknown_locale", message: "must be en, pt-BR or es" })
}

/// A name to log in by, whatever it is: one that no account can have is as good as an unknown one.
pub(super) fn parse_login(text: &str) -> Result<String, Violation> {
    bounded(text, MAX_LOGIN_CHARS, "must have at most 320 characters")
}

/// A token, whatever it is: one that cannot be read is as good as a forged one.
pub(super) fn parse_token(text: &str) -> Result<String, Violation> {
    bounded(text, MAX_TOKEN_CHARS, "must have at most 2048 characters")
}

fn bounded(text: &str, max: usize, message: &'static str) -> Result<String, Violation> {
    if text.is_empty() {
        return Err(Violation { code: "required", message: "must not be empty" });
    }
    if text.chars().count() > max {
        return Err(Violation { code: "too_long", message });
    }
    if text.chars().any(char::is_control) {
        return Err(Violation { code: "invalid_characters", message: "must not hold control characters" });
    }
    Ok(text.to_owned())
}

macro_rules! rules {
    ($($name:ident: $parse:expr;)*) => {$(
        pub(super) fn $name(text: &str) -> Result<(), ValidationError> {
            $parse(text).map(drop).map_err(|Violation { code, message }| {
                ValidationError::new(code).with_message(message.into())
            })
        }
    )*};
}

rules! {
    username: Username::parse;
    email: EmailAddress::parse;
    new_password: NewPassword::parse;
    given_password: GivenPassword::parse;
    full_name: FullName::parse;
    date_of_birth: DateOfBirth::parse;
    address: PostalAddress::parse;
    locale: parse_locale;
    login: parse_login;
    token: parse_token;
}
