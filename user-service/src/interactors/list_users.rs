use std::sync::Arc;

use shared_kernel::UserId;

use super::user_error::UserError;
use crate::entities::User;
use crate::repositories::{PageRequest, UserRepository};

/// Reads accounts page by page, in the order of registration. A page costs the same wherever it is.
pub struct ListUsers {
    users: Arc<dyn UserRepository>,
}

/// Some accounts, and where to go on.
#[derive(Debug)]
pub struct UserPage {
    /// At most as many as asked for.
    pub users: Vec<User>,
    /// What to pass as `after` for the next page; `None` when this is the last.
    pub next: Option<UserId>,
}

impl ListUsers {
    /// Wires the use case to its port.
    pub fn new(users: Arc<dyn UserRepository>) -> Self {
        Self { users }
    }

    /// The next `limit` accounts with an id greater than `after`.
    ///
    /// # Errors
    ///
    /// A failure of the port.
    pub async fn execute(&self, after: Option<UserId>, limit: u32) -> Result<UserPage, UserError> {
        // One more than asked for tells whether there is a next page.
        let mut users = self.users.list(PageRequest { after, limit: limit.saturating_add(1) }).await?;
        let more = users.len() > limit as usize;
        users.truncate(limit as usize);
        let next = if more { users.last().map(|user| user.id) } else { None };
        Ok(UserPage { users, next })
    }
}
