use async_trait::async_trait;
use sqlx::Row as _;

use super::MySqlDatabase;
use super::sql::{implement_password_reset_inbox, password_resets, repository_error};
use crate::entities::EmailAddress;
use crate::repositories::{PasswordResetInbox, PasswordResetRequest, RepositoryError};

/// Requests for a password reset on MySQL or MariaDB: found at once after a commit of this process, and by looking again and
/// again for what other processes committed.
#[derive(Debug, Clone)]
pub struct MySqlPasswordResetInbox {
    database: MySqlDatabase,
}

impl MySqlPasswordResetInbox {
    /// The requests of that database.
    pub fn new(database: MySqlDatabase) -> Self {
        Self { database }
    }
}

implement_password_reset_inbox!(MySqlPasswordResetInbox);
