//! The entities' rules in the form that `validator` runs.

use shared_kernel::Locale;
use validator::ValidationError;

use crate::entities::{DateOfBirth, EmailAddress, FullName, NewPassword, PostalAddress, Username, Violation};

/// The language of a request's `locale`.
pub(super) fn parse_locale(tag: &str) -> Result<Locale, Violation> {
    Locale::from_tag(tag).ok_or(Violation { code: "unknown_locale", message: "must be en, pt-BR or es" })
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
    password: NewPassword::parse;
    full_name: FullName::parse;
    date_of_birth: DateOfBirth::parse;
    address: PostalAddress::parse;
    locale: parse_locale;
}
