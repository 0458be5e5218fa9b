//! The query of a list: which users, and which page of them.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use shared_kernel::{AccountStatus, UserId};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::field_schemas;
use super::problem::{FieldProblem, Problem, ProblemType};
use super::user_id_path::parse_user_id;
use crate::entities::{EmailAddress, PageRequest, UserFilter, Username, Violation};

pub(super) const DEFAULT_LIMIT: u32 = 20;
pub(super) const MAX_LIMIT: u32 = 100;

const NAMES: [&str; 5] = ["limit", "cursor", "email", "username", "status"];

/// All but what RFC 3986, section 2.3, calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `?limit=&cursor=&email=&username=&status=`, all of it optional.
pub(super) struct ListQuery {
    page: PageRequest,
}

impl<S: Send + Sync> FromRequestParts<S> for ListQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        read(parts.uri.query().unwrap_or_default()).map(|page| Self { page })
    }
}

impl IntoParams for ListQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            field_schemas::query("limit", "At most so many users.", field_schemas::limit()),
            field_schemas::query("cursor", "The nextCursor of an earlier page.", field_schemas::user_id()),
            field_schemas::query(
                "email",
                "Only the user with this address in force.",
                field_schemas::email(),
            ),
            field_schemas::query("username", "Only the user with this username.", field_schemas::username()),
            field_schemas::query("status", "Only users with this status.", field_schemas::status()),
        ]
    }
}

impl ListQuery {
    pub(super) fn to_page_request(&self) -> PageRequest {
        self.page.clone()
    }

    /// The page after this one, as a `Link` (RFC 8288) has it.
    pub(super) fn next_link(&self, cursor: UserId) -> String {
        let PageRequest { filter, limit, .. } = &self.page;
        let (limit, cursor) = (limit.to_string(), cursor.to_string());
        let values = [
            Some(limit.as_str()),
            Some(cursor.as_str()),
            filter.email.as_ref().map(EmailAddress::as_str),
            filter.username.as_ref().map(Username::as_str),
            filter.status.map(AccountStatus::as_str),
        ];
        let given = NAMES.iter().zip(values).filter_map(|(name, value)| {
            value.map(|value| format!("{name}={}", utf8_percent_encode(value, RESERVED)))
        });
        format!("</users?{}>; rel=\"next\"", given.collect::<Vec<_>>().join("&"))
    }
}

fn read(query: &str) -> Result<PageRequest, Problem> {
    let mut values: [Option<String>; NAMES.len()] = Default::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name).ok_or_else(unreadable)?;
        let place = NAMES.iter().position(|known| *known == name).ok_or_else(|| unknown(&name))?;
        let value = decoded(value).ok_or_else(unreadable)?;
        if values[place].replace(value).is_some() {
            return Err(bad_query(format!("the query parameter {name} must be given once")));
        }
    }
    let [limit, cursor, email, username, status] = values;
    Ok(PageRequest {
        limit: parsed("limit", limit, parse_limit)?.unwrap_or(DEFAULT_LIMIT),
        after: parsed("cursor", cursor, parse_cursor)?,
        filter: UserFilter {
            email: parsed("email", email, EmailAddress::parse)?,
            username: parsed("username", username, Username::parse)?,
            status: parsed("status", status, parse_status)?,
        },
    })
}

/// As HTML forms and most clients write it; `None` when it is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(Cow::into_owned)
}

fn parsed<T>(
    name: &str,
    text: Option<String>,
    parse: fn(&str) -> Result<T, Violation>,
) -> Result<Option<T>, Problem> {
    text.map(|text| parse(&text)).transpose().map_err(|Violation { code, message }| {
        let error = FieldProblem::new(name, code, message);
        Problem::of_fields(ProblemType::InvalidFields, vec![error])
    })
}

fn parse_limit(text: &str) -> Result<u32, Violation> {
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    number
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .ok_or(Violation { code: "invalid", message: "must be a whole number from 1 to 100" })
}

fn parse_cursor(text: &str) -> Result<UserId, Violation> {
    let message = "must be the nextCursor of an earlier page";
    parse_user_id(text).ok_or(Violation { code: "invalid", message })
}

fn parse_status(text: &str) -> Result<AccountStatus, Violation> {
    let message = "must be Unconfirmed or Confirmed";
    AccountStatus::from_name(text).ok_or(Violation { code: "invalid", message })
}

fn unknown(name: &str) -> Problem {
    bad_query(format!("{name} is not a query parameter here; accepted are {}", NAMES.join(", ")))
}

fn unreadable() -> Problem {
    bad_query("the query must be percent-encoded UTF-8".to_owned())
}

fn bad_query(detail: String) -> Problem {
    Problem::new(ProblemType::InvalidRequest, detail)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_query_is_read_strictly() {
        assert_eq!(read("").unwrap().limit, DEFAULT_LIMIT);
        let page = read("limit=7&email=ada%2Btag%40example.org&status=Confirmed").unwrap();
        assert_eq!((page.limit, page.filter.email.unwrap().as_str()), (7, "ada+tag@example.org"));
        for (query, status) in [
            ("page=2", 400),
            ("limit=1&limit=1", 400),
            ("email=%FF", 400),
            ("limit", 422),
            ("limit=%2B5", 422),
            ("limit=101", 422),
            ("cursor=01900000000070008000000000000000", 422),
            ("email=", 422),
            ("username=a+b", 422),
            ("status=confirmed", 422),
        ] {
            let refused = read(query).expect_err(query).into_response();
            assert_eq!(refused.status().as_u16(), status, "{query}");
        }
    }

    #[test]
    fn the_next_page_has_the_same_filters() {
        let page = read("limit=7&email=jos%C3%A9%2B1@example.org&status=Confirmed").unwrap();
        let (email, query) = (page.filter.email.clone(), ListQuery { page });
        let link = query.next_link(UserId(Uuid::from_u128(9)));
        let next = link.strip_prefix("</users?").unwrap().strip_suffix(">; rel=\"next\"").unwrap();
        assert!(next.is_ascii() && !next.contains(['<', '>', '"', '+', ' ']), "{next}");
        let page = read(next).unwrap();
        assert_eq!((page.limit, page.after), (7, Some(UserId(Uuid::from_u128(9)))));
        assert_eq!((page.filter.email, page.filter.status), (email, Some(AccountStatus::Confirmed)));
    }
}
