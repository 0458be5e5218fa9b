use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared_kernel::UserId;
use sqlx::Row as _;
use uuid::Uuid;

use super::SqliteDatabase;
use super::sql::{answers, hash, implement_answer_repository, repository_error};
use crate::entities::{Fingerprint, StoredAnswer};
use crate::repositories::{AnswerRepository, RepositoryError};

/// The answers to idempotent requests on SQLite.
#[derive(Debug, Clone)]
pub struct SqliteAnswerRepository {
    database: SqliteDatabase,
}

impl SqliteAnswerRepository {
    /// The answers of that database.
    pub fn new(database: SqliteDatabase) -> Self {
        Self { database }
    }
}

implement_answer_repository!(SqliteAnswerRepository, answers::SQLITE_DELETE_EXPIRED_ANSWERS);
