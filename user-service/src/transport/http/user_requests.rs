//! What clients send to make and change accounts. None of it can be printed: there are passwords in it.

use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::field_rules::{self, parse_locale};
use super::field_schemas;
use super::problem::Problem;
use super::request_fields::{check, kept_or_set, not_null, nullable, optional, present, required};
use crate::entities::{
    DateOfBirth, EmailAddress, FieldUpdate, FullName, GivenPassword, NewPassword, PostalAddress,
    Registration, UserUpdate, Username,
};

/// A new account.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RegisterUserRequest {
    #[schema(required = true, schema_with = field_schemas::username)]
    #[validate(required(message = "must be given"), custom(function = field_rules::username))]
    username: Option<String>,
    #[schema(required = true, schema_with = field_schemas::email)]
    #[validate(required(message = "must be given"), custom(function = field_rules::email))]
    email: Option<String>,
    #[schema(required = true, schema_with = field_schemas::new_password)]
    #[validate(required(message = "must be given"), custom(function = field_rules::new_password))]
    password: Option<String>,
    #[schema(schema_with = field_schemas::full_name)]
    #[validate(custom(function = field_rules::full_name))]
    full_name: Option<String>,
    #[schema(schema_with = field_schemas::date_of_birth)]
    #[validate(custom(function = field_rules::date_of_birth))]
    date_of_birth: Option<String>,
    #[schema(schema_with = field_schemas::address)]
    #[validate(custom(function = field_rules::address))]
    address: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(schema_with = field_schemas::locale)]
    #[validate(custom(function = field_rules::locale))]
    locale: Option<String>,
}

/// A whole account: what is left out is set to nothing.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReplaceUserRequest {
    #[schema(required = true, schema_with = field_schemas::username)]
    #[validate(required(message = "must be given"), custom(function = field_rules::username))]
    username: Option<String>,
    #[schema(required = true, schema_with = field_schemas::email)]
    #[validate(required(message = "must be given"), custom(function = field_rules::email))]
    email: Option<String>,
    #[schema(schema_with = field_schemas::full_name)]
    #[validate(custom(function = field_rules::full_name))]
    full_name: Option<String>,
    #[schema(schema_with = field_schemas::date_of_birth)]
    #[validate(custom(function = field_rules::date_of_birth))]
    date_of_birth: Option<String>,
    #[schema(schema_with = field_schemas::address)]
    #[validate(custom(function = field_rules::address))]
    address: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(schema_with = field_schemas::locale)]
    #[validate(custom(function = field_rules::locale))]
    locale: Option<String>,
    #[serde(default, deserialize_with = "not_null")]
    #[schema(schema_with = field_schemas::current_password)]
    #[validate(custom(function = field_rules::given_password))]
    current_password: Option<String>,
}

/// Some of an account: what is left out stays, null is set to nothing.
#[derive(Deserialize, Validate, ToSchema, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct PatchUserRequest {
    #[serde(deserialize_with = "not_null")]
    #[schema(schema_with = field_schemas::username)]
    #[validate(custom(function = field_rules::username))]
    username: Option<String>,
    #[serde(deserialize_with = "not_null")]
    #[schema(schema_with = field_schemas::email)]
    #[validate(custom(function = field_rules::email))]
    email: Option<String>,
    #[serde(deserialize_with = "present")]
    #[schema(schema_with = field_schemas::full_name)]
    #[validate(custom(function = field_rules::full_name))]
    full_name: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    #[schema(schema_with = field_schemas::date_of_birth)]
    #[validate(custom(function = field_rules::date_of_birth))]
    date_of_birth: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    #[schema(schema_with = field_schemas::address)]
    #[validate(custom(function = field_rules::address))]
    address: Option<Option<String>>,
    #[serde(deserialize_with = "not_null")]
    #[schema(schema_with = field_schemas::locale)]
    #[validate(custom(function = field_rules::locale))]
    locale: Option<String>,
    #[serde(deserialize_with = "not_null")]
    #[schema(schema_with = field_schemas::current_password)]
    #[validate(custom(function = field_rules::given_password))]
    current_password: Option<String>,
}

/// A wanted change, and what shows that it is the owner who asks for it.
pub(super) type CheckedUpdate = (UserUpdate, Option<GivenPassword>);

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
    pub(super) fn into_parts(self) -> Result<CheckedUpdate, Problem> {
        check(&self)?;
        let update = UserUpdate {
            username: FieldUpdate::Set(required(self.username, "username", Username::parse)?),
            email: FieldUpdate::Set(required(self.email, "email", EmailAddress::parse)?),
            full_name: FieldUpdate::Set(optional(self.full_name, "fullName", FullName::parse)?),
            date_of_birth: FieldUpdate::Set(optional(self.date_of_birth, "dateOfBirth", DateOfBirth::parse)?),
            address: FieldUpdate::Set(optional(self.address, "address", PostalAddress::parse)?),
            locale: kept_or_set(optional(self.locale, "locale", parse_locale)?),
            whole: true,
        };
        Ok((update, optional(self.current_password, "currentPassword", GivenPassword::parse)?))
    }
}

impl PatchUserRequest {
    pub(super) fn into_parts(self) -> Result<CheckedUpdate, Problem> {
        check(&self)?;
        let update = UserUpdate {
            username: kept_or_set(optional(self.username, "username", Username::parse)?),
            email: kept_or_set(optional(self.email, "email", EmailAddress::parse)?),
            full_name: nullable(self.full_name, "fullName", FullName::parse)?,
            date_of_birth: nullable(self.date_of_birth, "dateOfBirth", DateOfBirth::parse)?,
            address: nullable(self.address, "address", PostalAddress::parse)?,
            locale: kept_or_set(optional(self.locale, "locale", parse_locale)?),
            whole: false,
        };
        Ok((update, optional(self.current_password, "currentPassword", GivenPassword::parse)?))
    }
}
