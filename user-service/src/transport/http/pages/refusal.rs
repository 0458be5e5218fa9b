//! Why a page says no, and how it says so.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use shared_kernel::in_words;
use tracing::error;

use super::texts::{Message, Texts};
use crate::entities::Violation;
use crate::interactors::UserError;
use crate::transport::http::problem::Problem;

/// Why what a button stands for was not done.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The token does not count (any more). Why is nobody's business.
    LinkVoid,
    /// Another account has the address.
    AddressTaken,
    /// The two passwords are not the same.
    PasswordsDiffer,
    /// The new password is not accepted, with the code of the [`Violation`].
    Password(&'static str),
    /// The client must wait, with the `Retry-After` that says how long.
    TooOften(Option<HeaderValue>),
    /// The same can succeed in a moment.
    Unavailable,
    /// It is our fault.
    Failed,
}

impl From<UserError> for Refusal {
    fn from(failure: UserError) -> Self {
        match failure {
            UserError::BadToken | UserError::NotFound => Self::LinkVoid,
            UserError::Taken(_) => Self::AddressTaken,
            UserError::Invalid(found) => found.violation.into(),
            failure => {
                error!(cause = in_words(&failure), "what a link asked for failed");
                if failure.is_retryable() { Self::Unavailable } else { Self::Failed }
            }
        }
    }
}

impl From<Violation> for Refusal {
    fn from(violation: Violation) -> Self {
        Self::Password(violation.code)
    }
}

impl Refusal {
    /// Of a client that the rate limits refused.
    pub(super) fn too_often(problem: Problem) -> Self {
        Self::TooOften(problem.into_response().headers_mut().remove(header::RETRY_AFTER))
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::LinkVoid | Self::PasswordsDiffer | Self::Password(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::AddressTaken => StatusCode::CONFLICT,
            Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(super) fn retry_after(&self) -> Option<HeaderValue> {
        match self {
            Self::TooOften(retry_after) => retry_after.clone(),
            Self::Unavailable => Some(HeaderValue::from_static("1")),
            _ => None,
        }
    }

    /// Whether the same button can still do what it stands for.
    pub(super) fn can_be_tried_again(&self) -> bool {
        match self {
            Self::PasswordsDiffer | Self::Password(_) | Self::TooOften(_) | Self::Unavailable => true,
            Self::LinkVoid | Self::AddressTaken | Self::Failed => false,
        }
    }

    /// What the page says, which is the question once more when the password was at fault.
    pub(super) fn message(&self, texts: &'static Texts, question: Message) -> Message {
        match self {
            Self::LinkVoid => texts.link_void,
            Self::AddressTaken => texts.address_taken,
            Self::PasswordsDiffer | Self::Password(_) => question,
            Self::TooOften(_) => texts.too_often,
            Self::Unavailable => texts.unavailable,
            Self::Failed => texts.failed,
        }
    }

    /// What is wrong with the password. The entities' messages are for programmers, and in English.
    pub(super) fn password_fault(&self, texts: &'static Texts) -> Option<&'static str> {
        match self {
            Self::PasswordsDiffer => Some(texts.passwords_differ),
            Self::Password("too_short") => Some(texts.password_too_short),
            Self::Password("too_long") => Some(texts.password_too_long),
            Self::Password("invalid_characters") => Some(texts.password_invalid_characters),
            Self::Password("too_weak") => Some(texts.password_too_weak),
            Self::Password(_) => Some(texts.password_refused),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use shared_kernel::Locale;

    use super::super::texts::texts;
    use super::*;
    use crate::entities::{FieldViolation, NewPassword};

    #[test]
    fn every_password_rule_has_its_own_text_in_every_language() {
        let mut seen = std::collections::HashSet::new();
        for locale in Locale::ALL {
            for text in ["short", &"x".repeat(129), "control\u{7}character"] {
                let refusal = Refusal::from(NewPassword::parse(text).unwrap_err());
                let fault = refusal.password_fault(texts(locale)).unwrap();
                assert_ne!(fault, texts(locale).password_refused, "{refusal:?}");
                assert!(seen.insert(fault), "{fault}");
            }
            for refusal in [Refusal::Password("too_weak"), Refusal::Password("new"), Refusal::PasswordsDiffer]
            {
                assert!(seen.insert(refusal.password_fault(texts(locale)).unwrap()), "{refusal:?}");
            }
        }
    }

    #[test]
    fn every_failure_of_a_use_case_has_its_status() {
        let violation = Violation { code: "too_weak", message: "is too easy to guess" };
        let invalid = UserError::Invalid(FieldViolation { field: "newPassword", violation });
        for (failure, status) in [
            (UserError::BadToken, 422),
            (UserError::NotFound, 422),
            (UserError::Taken(vec![]), 409),
            (invalid, 422),
            (UserError::Forbidden, 500),
        ] {
            assert_eq!(Refusal::from(failure).status().as_u16(), status);
        }
    }
}
