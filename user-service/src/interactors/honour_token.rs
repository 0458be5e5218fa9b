//! What the use cases share that change an account because of the token of a link.

use std::sync::Arc;

use shared_kernel::{ActionPurpose, ActionToken, SigningKeys};

use super::change_user::{stamp, with_retries, write};
use super::user_error::UserError;
use crate::entities::{ChangeStamp, User};
use crate::repositories::{Clock, IdGenerator, UserRepository};

/// Changes accounts as tokens of one purpose allow.
pub(super) struct TokenHonourer {
    pub(super) users: Arc<dyn UserRepository>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdGenerator>,
    pub(super) keys: SigningKeys,
    pub(super) purpose: ActionPurpose,
    /// The account afterwards; `None` when the token does not fit it.
    pub(super) change: fn(&User, &ActionToken, ChangeStamp) -> Option<User>,
}

impl TokenHonourer {
    pub(super) async fn honour(&self, token: &str, traceparent: Option<String>) -> Result<User, UserError> {
        let token = ActionToken::verify(token, self.purpose, &self.keys, self.clock.now())?;
        with_retries(|| async {
            let mut transaction = self.users.begin().await?;
            let before = transaction.lock(token.user_id).await?.ok_or(UserError::BadToken)?;
            let stamp = stamp(&*self.clock, &*self.ids);
            let after = (self.change)(&before, &token, stamp).ok_or(UserError::BadToken)?;
            write(transaction, &before, &after, traceparent.clone()).await?;
            Ok(after)
        })
        .await
    }
}
