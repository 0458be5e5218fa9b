use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared_kernel::{UserEvent, UserId};
use sqlx::{Row as _, Sqlite, Transaction};
use uuid::Uuid;

use super::sql::{
    Moment, Written, answers, bind_user, encoded_payload, hash, implement_answer_writes,
    implement_password_reset_writes, implement_session_writes, implement_user_transaction,
    is_unique_violation, key_error, password_resets, repository_error, sessions, statements, taken_fields,
    user_from_row,
};
use crate::entities::{Fingerprint, IdempotentRequest, PasswordHash, RefreshHash, Session, SessionId, User};
use crate::repositories::{
    AnswerWrites, PasswordResetRequest, PasswordResetWrites, RepositoryError, SessionWrites, UserTransaction,
};

/// A transaction on SQLite. It begins with `BEGIN IMMEDIATE`, so it holds not only a row but the whole file, and never
/// has to be tried again because it began by reading.
pub(super) struct SqliteUserTransaction {
    pub(super) transaction: Transaction<'static, Sqlite>,
    pub(super) written: Written,
}

implement_user_transaction!(SqliteUserTransaction, statements::SELECT_USER);
implement_session_writes!(SqliteUserTransaction, sessions::SELECT_SESSION);
implement_answer_writes!(SqliteUserTransaction);
implement_password_reset_writes!(SqliteUserTransaction);
