use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use shared_kernel::{UserEvent, UserId};
use uuid::Uuid;

use crate::entities::{
    Fingerprint, IdempotentRequest, Login, PageRequest, PasswordHash, Session, SessionId, User,
};
use crate::repositories::{
    AnswerWrites, PasswordResetRequest, PasswordResetWrites, RepositoryError, SessionWrites, UserRepository,
    UserTransaction,
};

/// Commits a change, and only then its events, in a transaction of their own: they are lost when the process dies, or the
/// connection is cut, in between.
pub(super) struct OutboxApart(pub(super) Arc<dyn UserRepository>);

#[async_trait]
impl UserRepository for OutboxApart {
    async fn find(&self, id: UserId) -> Result<Option<User>, RepositoryError> {
        self.0.find(id).await
    }

    async fn find_by_login(&self, login: &Login) -> Result<Option<User>, RepositoryError> {
        self.0.find_by_login(login).await
    }

    async fn unconfirmed_since(
        &self,
        before: DateTime<Utc>,
        max: u32,
    ) -> Result<Vec<UserId>, RepositoryError> {
        self.0.unconfirmed_since(before, max).await
    }

    async fn list(&self, page: PageRequest) -> Result<Vec<User>, RepositoryError> {
        self.0.list(page).await
    }

    async fn begin(&self) -> Result<Box<dyn UserTransaction>, RepositoryError> {
        let transaction = self.0.begin().await?;
        Ok(Box::new(Apart { users: Arc::clone(&self.0), transaction, events: Vec::new() }))
    }
}

struct Apart {
    users: Arc<dyn UserRepository>,
    transaction: Box<dyn UserTransaction>,
    events: Vec<UserEvent>,
}

#[async_trait]
impl UserTransaction for Apart {
    async fn lock(&mut self, id: UserId) -> Result<Option<User>, RepositoryError> {
        self.transaction.lock(id).await
    }

    async fn insert(&mut self, user: &User) -> Result<(), RepositoryError> {
        self.transaction.insert(user).await
    }

    async fn update(&mut self, user: &User) -> Result<(), RepositoryError> {
        self.transaction.update(user).await
    }

    async fn rehash(&mut self, id: UserId, hash: &PasswordHash) -> Result<(), RepositoryError> {
        self.transaction.rehash(id, hash).await
    }

    async fn delete(&mut self, id: UserId) -> Result<(), RepositoryError> {
        self.transaction.delete(id).await
    }

    async fn append(&mut self, event: &UserEvent) -> Result<(), RepositoryError> {
        self.events.push(event.clone());
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), RepositoryError> {
        let Self { users, transaction, events } = *self;
        transaction.commit().await?;
        let mut later = users.begin().await?;
        for event in &events {
            later.append(event).await?;
        }
        later.commit().await
    }
}

#[async_trait]
impl SessionWrites for Apart {
    async fn lock_session(&mut self, id: SessionId) -> Result<Option<Session>, RepositoryError> {
        self.transaction.lock_session(id).await
    }

    async fn insert_session(&mut self, session: &Session) -> Result<(), RepositoryError> {
        self.transaction.insert_session(session).await
    }

    async fn update_session(&mut self, session: &Session) -> Result<(), RepositoryError> {
        self.transaction.update_session(session).await
    }

    async fn end_session(&mut self, id: SessionId) -> Result<(), RepositoryError> {
        self.transaction.end_session(id).await
    }

    async fn end_sessions_of(&mut self, user: UserId, but: Option<SessionId>) -> Result<(), RepositoryError> {
        self.transaction.end_sessions_of(user, but).await
    }
}

#[async_trait]
impl AnswerWrites for Apart {
    async fn take_key(&mut self, request: &IdempotentRequest) -> Result<(), RepositoryError> {
        self.transaction.take_key(request).await
    }

    async fn keep_answer(
        &mut self,
        key: Fingerprint,
        user: Option<UserId>,
        text: &str,
    ) -> Result<(), RepositoryError> {
        self.transaction.keep_answer(key, user, text).await
    }

    async fn forget_expired_answer(
        &mut self,
        key: Fingerprint,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        self.transaction.forget_expired_answer(key, now).await
    }

    async fn forget_answers_about(&mut self, user: UserId) -> Result<(), RepositoryError> {
        self.transaction.forget_answers_about(user).await
    }
}

#[async_trait]
impl PasswordResetWrites for Apart {
    async fn add_reset_request(&mut self, request: &PasswordResetRequest) -> Result<(), RepositoryError> {
        self.transaction.add_reset_request(request).await
    }

    async fn take_reset_request(&mut self, id: Uuid) -> Result<bool, RepositoryError> {
        self.transaction.take_reset_request(id).await
    }
}
