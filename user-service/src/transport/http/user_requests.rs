//! What clients send. The rules themselves are the entities'; here every field is held against its rule
//! at once, so that a client learns of all that is wrong in one answer.

use serde::{Deserialize, Deserializer};
use validator::{Validate, ValidationErrors};

use super::field_rules::{self, parse_locale};
use super::problem::{FieldProblem, Problem, ProblemType};
use crate::entities::{
    DateOfBirth, EmailAddress, FieldUpdate, FullName, NewPassword, PostalAddress, Registration, UserUpdate,
    Username, Violation,
};

/// `POST /users`.
#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RegisterUserRequest {
    #[validate(required(message = "must be given"), custom(function = field_rules::username))]
    username: Option<String>,
    #[validate(required(message = "must be given"), custom(function = field_rules::email))]
    email: Option<String>,
    #[validate(required(message = "must be given"), custom(function = field_rules::password))]
    password: Option<String>,
    #[validate(custom(function = field_rules::full_name))]
    full_name: Option<String>,
    #[validate(custom(function = field_rules::date_of_birth))]
    date_of_birth: Option<String>,
    #[validate(custom(function = field_rules::address))]
    address: Option<String>,
    #[validate(custom(function = field_rules::locale))]
    locale: Option<String>,
}

/// `PUT /users/{id}`: what is left out is set to nothing.
#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReplaceUserRequest {
    #[validate(required(message = "must be given"), custom(function = field_rules::username))]
    username: Option<String>,
    #[validate(required(message = "must be given"), custom(function = field_rules::email))]
    email: Option<String>,
    #[validate(custom(function = field_rules::full_name))]
    full_name: Option<String>,
    #[validate(custom(function = field_rules::date_of_birth))]
    date_of_birth: Option<String>,
    #[validate(custom(function = field_rules::address))]
    address: Option<String>,
    #[validate(custom(function = field_rules::locale))]
    locale: Option<String>,
}

/// `PATCH /users/{id}`: what is left out stays, null is set to nothing.
#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[derive(Default)]
pub(super) struct PatchUserRequest {
    #[serde(deserialize_with = "not_null")]
    #[validate(custom(function = field_rules::username))]
    username: Option<String>,
    #[serde(deserialize_with = "not_null")]
    #[validate(custom(function = field_rules::email))]
    email: Option<String>,
    #[serde(deserialize_with = "present")]
    #[validate(custom(function = field_rules::full_name))]
    full_name: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    #[validate(custom(function = field_rules::date_of_birth))]
    date_of_birth: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    #[validate(custom(function = field_rules::address))]
    address: Option<Option<String>>,
    #[serde(deserialize_with = "not_null")]
    #[validate(custom(function = field_rules::locale))]
    locale: Option<String>,
}

/// Tells null from absent, which stays `None` by default.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn not_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

impl RegisterUserRequest {
    pub(super) fn into_parts(self) -> Result<(Registration, NewPassword), Problem> {
        check(&self)?;
        let registration = Registration {
            username: required(self.username, "username", Username::parse)?,
            email: required(self.email, "email", EmailAddress::parse)?,
            full_name: optional(self.full_name, "fullName", FullName::parse)?,
            date_of_birth: optional(self.date_of_birth, "dateOfBirth", DateOfBirth::parse)?,
            address: optional(self.address, "address", PostalAddress::parse)?,
            locale: optional(self.locale, "locale", parse_locale)?.unwrap_or_default(),
        };
        let password = required(self.password, "password", NewPassword::parse)?;
        Ok((registration, password))
    }
}

impl ReplaceUserRequest {
    pub(super) fn into_update(self) -> Result<UserUpdate, Problem> {
        check(&self)?;
        Ok(UserUpdate {
            username: FieldUpdate::Set(required(self.username, "username", Username::parse)?),
            email: FieldUpdate::Set(required(self.email, "email", EmailAddress::parse)?),
            full_name: FieldUpdate::Set(optional(self.full_name, "fullName", FullName::parse)?),
            date_of_birth: FieldUpdate::Set(optional(self.date_of_birth, "dateOfBirth", DateOfBirth::parse)?),
            address: FieldUpdate::Set(optional(self.address, "address", PostalAddress::parse)?),
            locale: FieldUpdate::Set(optional(self.locale, "locale", parse_locale)?.unwrap_or_default()),
        })
    }
}

impl PatchUserRequest {
    pub(super) fn into_update(self) -> Result<UserUpdate, Problem> {
        check(&self)?;
        Ok(UserUpdate {
            username: kept_or_set(optional(self.username, "username", Username::parse)?),
            email: kept_or_set(optional(self.email, "email", EmailAddress::parse)?),
            full_name: nullable(self.full_name, "fullName", FullName::parse)?,
            date_of_birth: nullable(self.date_of_birth, "dateOfBirth", DateOfBirth::parse)?,
            address: nullable(self.address, "address", PostalAddress::parse)?,
            locale: kept_or_set(optional(self.locale, "locale", parse_locale)?),
        })
    }
}

fn required<T>(
    text: Option<String>,
    field: &'static str,
    parse: fn(&str) -> Result<T, Violation>,
) -> Result<T, Problem> {
    // What is missing was refused by `check` already, with all else that is wrong.
    parse(&text.unwrap_or_default()).map_err(|violation| refused(field, violation))
}

fn optional<T>(
    text: Option<String>,
    field: &'static str,
    parse: fn(&str) -> Result<T, Violation>,
) -> Result<Option<T>, Problem> {
    text.map(|text| parse(&text)).transpose().map_err(|violation| refused(field, violation))
}

fn nullable<T>(
    text: Option<Option<String>>,
    field: &'static str,
    parse: fn(&str) -> Result<T, Violation>,
) -> Result<FieldUpdate<Option<T>>, Problem> {
    text.map_or(Ok(FieldUpdate::Keep), |text| optional(text, field, parse).map(FieldUpdate::Set))
}

fn kept_or_set<T>(value: Option<T>) -> FieldUpdate<T> {
    value.map_or(FieldUpdate::Keep, FieldUpdate::Set)
}

fn check(request: &impl Validate) -> Result<(), Problem> {
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
