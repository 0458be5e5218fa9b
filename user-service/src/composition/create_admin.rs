//! The account of an administrator, made by the operator.

use thiserror::Error;

use super::database::Database;
use super::{Ports, StartError, unusable};
use crate::config::{PasswordConfig, UserServiceConfig};
use crate::entities::{NewPassword, Registration, User};
use crate::interactors::{CreateAdmin, UserError};

/// Why no administrator's account was made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CreateAdminError {
    /// The service cannot be wired.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The account was refused, or could not be written.
    #[error("the account was not made")]
    Refused(#[from] UserError),
}

/// Makes the account of an administrator. Refuses a database that is not migrated.
///
/// # Errors
///
/// [`CreateAdminError`].
pub async fn create_admin(
    config: &UserServiceConfig,
    passwords: PasswordConfig,
    registration: Registration,
    password: NewPassword,
) -> Result<User, CreateAdminError> {
    let database = Database::open(config).await?;
    database.check_schema().await.map_err(unusable("database-url"))?;
    let Ports { users, strength, passwords, clock, ids } = Ports::new(&database, passwords)?;
    let create = CreateAdmin::new(users, strength, passwords, clock, ids);
    let created = create.execute(registration, password).await;
    database.close().await;
    Ok(created?)
}
