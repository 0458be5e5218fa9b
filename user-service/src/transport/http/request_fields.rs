//! What the requests share: every field is held against its rule at once, so that a client learns of all that is
//! wrong in one answer. The rules themselves are the entities'.

use serde::{Deserialize, Deserializer};
use validator::{Validate, ValidationErrors};

use super::problem::{FieldProblem, Problem, ProblemType};
use crate::entities::{FieldUpdate, Violation};

/// Tells null from absent, which stays `None` by default.
pub(super) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

pub(super) fn not_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

pub(super) fn required<T>(
    text: Option<String>,
    field: &'static str,
    parse: fn(&str) -> Result<T, Violation>,
) -> Result<T, Problem> {
    // What is missing was refused by `check` already, with all else that is wrong.
    parse(&text.unwrap_or_default()).map_err(|violation| refused(field, violation))
}

pub(super) fn optional<T>(
    text: Option<String>,
    field: &'static str,
    parse: fn(&str) -> Result<T, Violation>,
) -> Result<Option<T>, Problem> {
    text.map(|text| parse(&text)).transpose().map_err(|violation| refused(field, violation))
}

pub(super) fn nullable<T>(
    text: Option<Option<String>>,
    field: &'static str,
    parse: fn(&str) -> Result<T, Violation>,
) -> Result<FieldUpdate<Option<T>>, Problem> {
    text.map_or(Ok(FieldUpdate::Keep), |text| optional(text, field, parse).map(FieldUpdate::Set))
}

pub(super) fn kept_or_set<T>(value: Option<T>) -> FieldUpdate<T> {
    value.map_or(FieldUpdate::Keep, FieldUpdate::Set)
}

pub(super) fn check(request: &impl Validate) -> Result<(), Problem> {
    request.validate().map_err(|errors| invalid(&errors))
}

fn invalid(errors: &ValidationErrors) -> Problem {
    let mut found: Vec<FieldProblem> = errors
        .field_errors()
        .into_iter()
        .flat_map(|(field, errors)| errors.iter().map(move |error| (camel_case(&field), error)))
        .map(|(field, error)| {
            FieldProblem::new(&field, &error.code, error.message.as_deref().unwrap_or("is not accepted"))
        })
        .collect();
    found.sort_by(|one, other| one.field().cmp(other.field()));
    Problem::of_fields(ProblemType::InvalidFields, found)
}

fn refused(field: &'static str, violation: Violation) -> Problem {
    let error = FieldProblem::new(field, violation.code, violation.message);
    Problem::of_fields(ProblemType::InvalidFields, vec![error])
}

/// The name in REST of a field of a request.
fn camel_case(snake_case: &str) -> String {
    let mut words = snake_case.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        name + &head.to_ascii_uppercase() + tail
    })
}
