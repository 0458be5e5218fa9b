//! What every use case shares that takes a password.

use crate::entities::{FieldViolation, GivenPassword, NewPassword, PasswordHash, User, Violation};
use crate::interactors::UserError;
use crate::repositories::{PasswordHasher, PasswordStrength};

/// Hashes a new password, unless somebody who knows the person could guess it.
pub(super) async fn hash_if_strong(
    strength: &dyn PasswordStrength,
    passwords: &dyn PasswordHasher,
    password: NewPassword,
    personal: &[&str],
    field: &'static str,
) -> Result<PasswordHash, UserError> {
    let weakness = strength.weakness(&password, personal).await.map_err(UserError::Password)?;
    match weakness {
        Some(violation) => Err(UserError::Invalid(FieldViolation { field, violation })),
        None => passwords.hash(password).await.map_err(UserError::Password),
    }
}

/// Refuses unless the current password was given and is right.
pub(super) async fn check_current(
    passwords: &dyn PasswordHasher,
    user: &User,
    given: Option<&GivenPassword>,
) -> Result<(), UserError> {
    let given = given.ok_or_else(|| refused("required", "must be given to change this"))?;
    let verified = passwords.verify(given, Some(&user.password)).await.map_err(UserError::Password)?;
    if verified.matches() { Ok(()) } else { Err(incorrect()) }
}

/// The refusal of a current password that is not the right one.
pub(super) fn incorrect() -> UserError {
    refused("incorrect", "must be the account's password")
}

fn refused(code: &'static str, message: &'static str) -> UserError {
    let violation = Violation { code, message };
    UserError::Invalid(FieldViolation { field: "currentPassword", violation })
}
