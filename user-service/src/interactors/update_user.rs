use std::sync::Arc;

use chrono::{DateTime, Utc};
use shared_kernel::UserId;

use super::change_user::{stamp, with_retries, write};
use super::credentials::{check_current, incorrect};
use super::user_error::UserError;
use crate::entities::{
    Caller, EmailAddress, FieldUpdate, GivenPassword, Login, UniqueField, User, UserUpdate,
};
use crate::repositories::{Clock, IdGenerator, PasswordHasher, UserRepository};

/// Changes an account and tells of it, in one transaction. A change of nothing writes nothing.
pub struct UpdateUser {
    users: Arc<dyn UserRepository>,
    passwords: Arc<dyn PasswordHasher>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

/// What [`UpdateUser`] needs to know.
#[derive(Debug, Clone)]
pub struct UpdateUserInput {
    /// Who asks for it.
    pub caller: Caller,
    /// Whose account.
    pub id: UserId,
    /// The wanted change.
    pub update: UserUpdate,
    /// What shows, for a new address of the caller's own account, that it is the owner who asks.
    pub current_password: Option<GivenPassword>,
    /// Refuse when the account is at another version.
    pub expected_version: Option<i64>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
}

impl UpdateUser {
    /// Wires the use case to its ports.
    pub fn new(
        users: Arc<dyn UserRepository>,
        passwords: Arc<dyn PasswordHasher>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Self {
        Self { users, passwords, clock, ids }
    }

    /// Returns the account as it is afterwards; it is durable then. Cancelling undoes the change,
    /// unless it was committing. Concurrent updates of one account take place one after the other.
    ///
    /// # Errors
    ///
    /// [`UserError::Forbidden`], [`UserError::NotFound`], [`UserError::Stale`], [`UserError::Taken`],
    /// [`UserError::Invalid`], or a failure of a port.
    pub async fn execute(&self, input: UpdateUserInput) -> Result<User, UserError> {
        if !input.caller.may_access(input.id) {
            return Err(UserError::Forbidden);
        }
        input.update.check(self.clock.now().date_naive()).map_err(UserError::Invalid)?;
        let password_of = self.prepare(&input).await?;
        with_retries(|| self.attempt(&input, password_of)).await
    }

    /// What a new address takes and what would hold the account, or a second connection, for too long in the
    /// transaction. Returns since when the account has the password that was found to be right; `None` when none is
    /// needed.
    async fn prepare(&self, input: &UpdateUserInput) -> Result<Option<DateTime<Utc>>, UserError> {
        let FieldUpdate::Set(email) = &input.update.email else { return Ok(None) };
        let user = self.users.find(input.id).await?.ok_or(UserError::NotFound)?;
        let mut password_of = None;
        if asks_for_password(input, &user) {
            check_current(&*self.passwords, &user, input.current_password.as_ref()).await?;
            password_of = Some(user.password_changed_at);
        }
        check_version(input, &user)?;
        if user.is_new_address(email) {
            self.refuse_taken(email, &user).await?;
        }
        Ok(password_of)
    }

    /// A pending address reserves nothing; but what another account has already is said at once, and not only to
    /// whoever opens the link.
    async fn refuse_taken(&self, email: &EmailAddress, user: &User) -> Result<(), UserError> {
        match self.users.find_by_login(&Login::Email(email.clone())).await? {
            Some(other) if other.id != user.id => Err(UserError::Taken(vec![UniqueField::Email])),
            _ => Ok(()),
        }
    }

    async fn attempt(
        &self,
        input: &UpdateUserInput,
        password_of: Option<DateTime<Utc>>,
    ) -> Result<User, UserError> {
        let mut transaction = self.users.begin().await?;
        let before = transaction.lock(input.id).await?.ok_or(UserError::NotFound)?;
        check_version(input, &before)?;
        // The account may have changed since it was read.
        if asks_for_password(input, &before) && password_of != Some(before.password_changed_at) {
            return Err(incorrect());
        }
        let stamp = stamp(&*self.clock, &*self.ids);
        let Some(after) = before.updated(input.update.clone(), stamp) else {
            return Ok(before);
        };
        write(transaction, &before, &after, input.traceparent.clone()).await?;
        Ok(after)
    }
}

fn check_version(input: &UpdateUserInput, user: &User) -> Result<(), UserError> {
    match input.expected_version {
        Some(expected) if expected != user.version => Err(UserError::Stale { current: user.version }),
        _ => Ok(()),
    }
}

/// An admin who changes somebody else's account does not know their password.
fn asks_for_password(input: &UpdateUserInput, user: &User) -> bool {
    let new_address = matches!(&input.update.email, FieldUpdate::Set(email) if user.is_new_address(email));
    new_address && input.caller.is(input.id)
}
