//! What every use case shares whose caller may repeat it without its effect taking place twice.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use shared_kernel::UserId;

use super::change_user::with_retries;
use super::user_error::UserError;
use crate::entities::{Fingerprint, IdempotentRequest};
use crate::repositories::{AnswerRepository, Clock, RepositoryError, UserRepository, UserTransaction};

/// The wish to be carried out once, and how the answer is written down for whoever asks again.
#[derive(Debug, Clone, Copy)]
pub struct Once<T> {
    /// Of the caller, the route and the key that the caller chose.
    pub key: Fingerprint,
    /// Of the request's body.
    pub body: Fingerprint,
    /// The answer to what came of it.
    pub answer: fn(&T) -> String,
}

/// What came of a use case that may be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It was carried out now.
    Done(T),
    /// It was carried out before; this is what [`Once::answer`] wrote down then.
    Repeated(String),
}

/// A transaction that carries its effect, about to be committed.
pub(super) struct Effect<T> {
    pub(super) transaction: Box<dyn UserTransaction>,
    pub(super) outcome: T,
    /// The account that the answer is about.
    pub(super) about: Option<UserId>,
}

/// Carries requests out at most once: the answer is kept in the same transaction as the effect.
pub struct Idempotence {
    users: Arc<dyn UserRepository>,
    answers: Arc<dyn AnswerRepository>,
    clock: Arc<dyn Clock>,
    lifetime: TimeDelta,
}

impl Idempotence {
    /// Wires it to its ports; answers are kept for so long.
    pub fn new(
        users: Arc<dyn UserRepository>,
        answers: Arc<dyn AnswerRepository>,
        clock: Arc<dyn Clock>,
        lifetime: Duration,
    ) -> Self {
        // A thousand years will do, and any moment that far off can be counted.
        let longest = TimeDelta::days(365_000);
        Self {
            users,
            answers,
            clock,
            lifetime: TimeDelta::from_std(lifetime).unwrap_or(longest).min(longest),
        }
    }

    /// The answer that was given before; to be looked for before anything costly is done.
    pub(super) async fn earlier_answer<T>(
        &self,
        once: Option<&Once<T>>,
    ) -> Result<Option<String>, UserError> {
        match once {
            Some(once) => with_retries(|| self.answer_to(once)).await,
            None => Ok(None),
        }
    }

    /// Begins a transaction, lets `effect` do its part in it, keeps the answer and commits; all of it again when
    /// another transaction was in the way.
    pub(super) async fn carry_out<T, F>(
        &self,
        once: Option<&Once<T>>,
        effect: impl Fn(Box<dyn UserTransaction>) -> F,
    ) -> Result<Outcome<T>, UserError>
    where
        F: Future<Output = Result<Effect<T>, UserError>>,
    {
        let carried_out = with_retries(|| async {
            let mut transaction = self.users.begin().await?;
            if let Some(once) = once {
                let Once { key, body, .. } = *once;
                let expires_at = self.clock.now() + self.lifetime;
                match transaction.take_key(&IdempotentRequest { key, body, expires_at }).await {
                    Err(answered @ RepositoryError::Answered) => {
                        drop(transaction);
                        let answer = self.answer_to(once).await?;
                        // Gone meanwhile, since it had expired: the key is free now.
                        let gone = || UserError::Repository(RepositoryError::Contention(answered.into()));
                        return answer.map(Outcome::Repeated).ok_or_else(gone);
                    }
                    taken => taken?,
                }
            }
            let Effect { mut transaction, outcome, about } = effect(transaction).await?;
            if let Some(once) = once {
                transaction.keep_answer(once.key, about, &(once.answer)(&outcome)).await?;
            }
            transaction.commit().await?;
            Ok(Outcome::Done(outcome))
        })
        .await;
        match carried_out {
            // So many want the same that they are in each other's way.
            Err(UserError::Repository(RepositoryError::Contention(_))) if once.is_some() => {
                Err(UserError::Repository(RepositoryError::InProgress))
            }
            done => done,
        }
    }

    async fn answer_to<T>(&self, request: &Once<T>) -> Result<Option<String>, UserError> {
        let Some(answer) = self.answers.answer(request.key).await? else { return Ok(None) };
        let now = self.clock.now();
        if answer.expires_at <= now {
            let mut transaction = self.users.begin().await?;
            transaction.forget_expired_answer(request.key, now).await?;
            transaction.commit().await?;
            return Ok(None);
        }
        if answer.body != request.body {
            return Err(UserError::KeyReused);
        }
        Ok(Some(answer.text))
    }
}
