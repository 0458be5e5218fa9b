//! The kinds of refusal.

use axum::http::StatusCode;

macro_rules! problem_types {
    ($($kind:ident = $name:literal, $status:ident, $title:literal;)*) => {
        /// A kind of refusal. Each has a page of its own in `docs/problems/`, which its `type` leads to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum ProblemType {
            $($kind,)*
        }

        impl ProblemType {
            pub(super) const ALL: &[Self] = &[$(Self::$kind,)*];

            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            pub(super) fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == name)
            }

            /// The `type` in a problem: the path of the page.
            pub(super) fn path(self) -> String {
                format!("/problems/{}", self.name())
            }

            pub(super) fn status(self) -> StatusCode {
                match self {
                    $(Self::$kind => StatusCode::$status,)*
                }
            }

            pub(super) fn title(self) -> &'static str {
                match self {
                    $(Self::$kind => $title,)*
                }
            }

            /// The page, in Markdown.
            pub(super) fn page(self) -> &'static str {
                match self {
                    $(Self::$kind => include_str!(concat!("../../../../docs/problems/", $name, ".md")),)*
                }
            }
        }
    };
}

problem_types! {
    InvalidRequest = "invalid-request", BAD_REQUEST, "The request cannot be read";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "You are not logged in";
    WrongCredentials = "wrong-credentials", UNAUTHORIZED, "No account has this name and password";
    Forbidden = "forbidden", FORBIDDEN, "You may not do this";
    NoSuchUser = "no-such-user", NOT_FOUND, "There is no such user";
    NoSuchRoute = "no-such-route", NOT_FOUND, "There is nothing here";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "This method is not allowed here";
    NotAcceptable = "not-acceptable", NOT_ACCEPTABLE, "The answer has a type that was not asked for";
    AlreadyTaken = "already-taken", CONFLICT, "Another account has this already";
    RequestInProgress = "request-in-progress", CONFLICT, "The same request is being carried out";
    StaleVersion = "stale-version", PRECONDITION_FAILED, "The user was changed meanwhile";
    BodyTooLarge = "body-too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE,
        "The body has a type that is not accepted here";
    InvalidFields = "invalid-fields", UNPROCESSABLE_ENTITY, "Fields do not hold what they must hold";
    IdempotencyKeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY,
        "The Idempotency-Key stands for another request";
    TooManyRequests = "too-many-requests", TOO_MANY_REQUESTS, "You have asked too often";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something went wrong on our side";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service cannot do this right now";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_type_has_its_own_page() {
        for kind in ProblemType::ALL {
            let name = kind.name();
            let head = format!("# {name}\n\n**Status {}.**\n", kind.status().as_u16());
            assert!(kind.page().starts_with(&head), "{name}");
        }
    }
}
