use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared_kernel::UserId;
use sqlx::Row as _;
use uuid::Uuid;

use super::MySqlDatabase;
use super::sql::{answers, hash, implement_answer_repository, repository_error};
use crate::entities::{Fingerprint, StoredAnswer};
use crate::repositories::{AnswerRepository, RepositoryError};

/// The answers to idempotent requests on MySQL or MariaDB.
#[derive(Debug, Clone)]
pub struct MySqlAnswerRepository {
    database: MySqlDatabase,
}

impl MySqlAnswerRepository {
    /// The answers of that database.
    pub fn new(database: MySqlDatabase) -> Self {
        Self { database }
    }
}

implement_answer_repository!(MySqlAnswerRepository, answers::MYSQL_DELETE_EXPIRED_ANSWERS);
