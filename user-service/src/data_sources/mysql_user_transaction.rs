use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared_kernel::{UserEvent, UserId};
use sqlx::{MySql, Row as _, Transaction};
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

/// A transaction on MySQL or MariaDB. A row is held by `SELECT … FOR UPDATE`.
pub(super) struct MySqlUserTransaction {
    pub(super) transaction: Transaction<'static, MySql>,
    pub(super) written: Written,
}

implement_user_transaction!(MySqlUserTransaction, statements::LOCK_USER);
implement_session_writes!(MySqlUserTransaction, sessions::LOCK_SESSION);
implement_answer_writes!(MySqlUserTransaction);
implement_password_reset_writes!(MySqlUserTransaction);
