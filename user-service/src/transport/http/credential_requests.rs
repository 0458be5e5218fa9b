//! What clients send to show who they are, and to choose a password. None of it can be printed.

use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::field_rules::{self, parse_login, parse_token};
use super::field_schemas;
use super::problem::Problem;
use super::request_fields::{check, required};
use crate::entities::{EmailAddress, GivenPassword, NewPassword};

/// Who logs in.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LogInRequest {
    #[schema(required = true, schema_with = field_schemas::login)]
    #[validate(required(message = "must be given"), custom(function = field_rules::login))]
    login: Option<String>,
    #[schema(required = true, schema_with = field_schemas::given_password)]
    #[validate(required(message = "must be given"), custom(function = field_rules::given_password))]
    password: Option<String>,
}

/// A session to be carried on.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RefreshSessionRequest {
    #[schema(required = true, schema_with = field_schemas::token)]
    #[validate(required(message = "must be given"), custom(function = field_rules::token))]
    refresh_token: Option<String>,
}

/// A new password, from somebody who knows the one until now.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChangePasswordRequest {
    #[schema(required = true, schema_with = field_schemas::given_password)]
    #[validate(required(message = "must be given"), custom(function = field_rules::given_password))]
    current_password: Option<String>,
    #[schema(required = true, schema_with = field_schemas::new_password)]
    #[validate(required(message = "must be given"), custom(function = field_rules::new_password))]
    new_password: Option<String>,
}

/// The address of an account whose password was forgotten.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RequestPasswordResetRequest {
    #[schema(required = true, schema_with = field_schemas::email)]
    #[validate(required(message = "must be given"), custom(function = field_rules::email))]
    email: Option<String>,
}

/// A new password, from somebody who has the token of a link.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ResetPasswordRequest {
    #[schema(required = true, schema_with = field_schemas::token)]
    #[validate(required(message = "must be given"), custom(function = field_rules::token))]
    token: Option<String>,
    #[schema(required = true, schema_with = field_schemas::new_password)]
    #[validate(required(message = "must be given"), custom(function = field_rules::new_password))]
    new_password: Option<String>,
}

/// The token of a link.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TokenRequest {
    #[schema(required = true, schema_with = field_schemas::token)]
    #[validate(required(message = "must be given"), custom(function = field_rules::token))]
    token: Option<String>,
}

impl LogInRequest {
    pub(super) fn into_parts(self) -> Result<(String, GivenPassword), Problem> {
        check(&self)?;
        let login = required(self.login, "login", parse_login)?;
        Ok((login, required(self.password, "password", GivenPassword::parse)?))
    }
}

impl RefreshSessionRequest {
    pub(super) fn into_token(self) -> Result<String, Problem> {
        check(&self)?;
        required(self.refresh_token, "refreshToken", parse_token)
    }
}

impl ChangePasswordRequest {
    pub(super) fn into_parts(self) -> Result<(GivenPassword, NewPassword), Problem> {
        check(&self)?;
        let current = required(self.current_password, "currentPassword", GivenPassword::parse)?;
        Ok((current, required(self.new_password, "newPassword", NewPassword::parse)?))
    }
}

impl RequestPasswordResetRequest {
    pub(super) fn into_email(self) -> Result<EmailAddress, Problem> {
        check(&self)?;
        required(self.email, "email", EmailAddress::parse)
    }
}

impl ResetPasswordRequest {
    pub(super) fn into_parts(self) -> Result<(String, NewPassword), Problem> {
        check(&self)?;
        let token = required(self.token, "token", parse_token)?;
        Ok((token, required(self.new_password, "newPassword", NewPassword::parse)?))
    }
}

impl TokenRequest {
    pub(super) fn into_token(self) -> Result<String, Problem> {
        check(&self)?;
        required(self.token, "token", parse_token)
    }
}
