//! The entities' rules as JSON Schema, for the API's description.

use serde_json::json;
use shared_kernel::{AccountStatus, Locale};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{Object, ObjectBuilder, Required, SchemaFormat, Type};

use super::field_rules::{MAX_LOGIN_CHARS, MAX_TOKEN_CHARS};
use super::idempotency;
use super::list_query::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::entities::{EmailAddress, Role, Username};

/// No control character. Written out, as below: the classes of regular expressions differ between languages.
const NO_CONTROL: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

/// One line that is not blank.
const ONE_LINE: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
);

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

fn of_length(text: ObjectBuilder, min: usize, max: usize) -> ObjectBuilder {
    text.min_length(Some(min)).max_length(Some(max))
}

fn of_format(text: ObjectBuilder, format: &str) -> ObjectBuilder {
    text.format(Some(SchemaFormat::Custom(format.to_owned())))
}

fn one_of(text: ObjectBuilder, values: &[&str]) -> Object {
    text.enum_values(Some(values.to_vec())).build()
}

fn or_null(schema: Object) -> Object {
    let mut schema = schema;
    schema.schema_type = SchemaType::from_iter([Type::String, Type::Null]);
    schema
}

pub(super) fn user_id() -> Object {
    of_format(text("A UUIDv7."), "uuid").examples([json!("01900000-0000-7000-8000-000000000000")]).build()
}

pub(super) fn username() -> Object {
    let description = "To log in by. Unique without regard to case.";
    of_length(text(description), 1, Username::MAX_CHARS)
        .pattern(Some("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"))
        .examples([json!("ada")])
        .build()
}

pub(super) fn email() -> Object {
    let description = "An address such as ada@example.org: with a domain of two labels or more, of at most 254 \
                       bytes. Unique without regard to case.";
    of_format(of_length(text(description), 3, EmailAddress::MAX_BYTES), "email")
        .examples([json!("ada@example.org")])
        .build()
}

pub(super) fn new_password() -> Object {
    let description = "A new password. Refused as too_weak when it is easy to guess, also for somebody who knows \
                       the username, the address and the name.";
    of_format(of_length(text(description), 8, 128), "password")
        .pattern(Some(NO_CONTROL))
        .examples([json!("seven quiet herons")])
        .build()
}

pub(super) fn given_password() -> Object {
    of_length(text("The password."), 1, 1024)
        .pattern(Some(NO_CONTROL))
        .examples([json!("seven quiet herons")])
        .build()
}

pub(super) fn current_password() -> Object {
    let description = "Needed to give one's own account a new address.";
    of_length(text(description), 1, 1024)
        .pattern(Some(NO_CONTROL))
        .examples([json!("seven quiet herons")])
        .build()
}

pub(super) fn login() -> Object {
    let description = "The username or the address.";
    of_length(text(description), 1, MAX_LOGIN_CHARS)
        .pattern(Some(NO_CONTROL))
        .examples([json!("ada")])
        .build()
}

pub(super) fn token() -> Object {
    of_length(text("As it was given."), 1, MAX_TOKEN_CHARS).pattern(Some(NO_CONTROL)).build()
}

pub(super) fn full_name() -> Object {
    let description = "The name to be addressed by: one line.";
    or_null(of_length(text(description), 1, 255).pattern(Some(ONE_LINE)).examples([json!("Ada")]).build())
}

pub(super) fn address() -> Object {
    let description = "A postal address: one line.";
    or_null(of_length(text(description), 1, 255).pattern(Some(ONE_LINE)).examples([json!("1 Lane")]).build())
}

pub(super) fn date_of_birth() -> Object {
    let description = "A day from 1900-01-01 to today.";
    or_null(of_format(text(description), "date").examples([json!("1990-02-28")]).build())
}

pub(super) fn locale() -> Object {
    one_of(text("The language of mail."), &Locale::ALL.map(Locale::as_str))
}

pub(super) fn status() -> Object {
    one_of(text("Whether the address was confirmed."), &AccountStatus::ALL.map(AccountStatus::as_str))
}

pub(super) fn role() -> Object {
    one_of(text("What the account's owner may do."), &Role::ALL.map(Role::as_str))
}

pub(super) fn time() -> Object {
    of_format(text("In UTC."), "date-time").examples([json!("2026-01-02T03:04:05.678901Z")]).build()
}

pub(super) fn bearer() -> Object {
    one_of(text("How the access token is sent."), &["Bearer"])
}

pub(super) fn etag() -> Object {
    text("One ETag of this user, or *.")
        .pattern(Some(r#"^(\*|"[0-9]{1,18}")$"#))
        .examples([json!("\"7\"")])
        .build()
}

pub(super) fn idempotency_key() -> Object {
    of_length(text("Visible ASCII characters."), 1, idempotency::MAX_CHARS).pattern(Some("^[!-~]+$")).build()
}

pub(super) fn name_among(names: &[&str]) -> Object {
    one_of(ObjectBuilder::new().schema_type(Type::String), names)
}

pub(super) fn limit() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MAX_LIMIT))
        .default(Some(json!(DEFAULT_LIMIT)))
        .build()
}

/// An optional header of a request.
pub(super) fn header(name: &str, description: &str, schema: Object) -> Parameter {
    parameter(ParameterIn::Header, name, description, schema).required(Required::False).build()
}

/// An optional parameter of the query.
pub(super) fn query(name: &str, description: &str, schema: Object) -> Parameter {
    parameter(ParameterIn::Query, name, description, schema).required(Required::False).build()
}

/// A part of the path.
pub(super) fn path(name: &str, description: &str, schema: Object) -> Parameter {
    parameter(ParameterIn::Path, name, description, schema).required(Required::True).build()
}

fn parameter(place: ParameterIn, name: &str, description: &str, schema: Object) -> ParameterBuilder {
    ParameterBuilder::new().name(name).parameter_in(place).description(Some(description)).schema(Some(schema))
}
