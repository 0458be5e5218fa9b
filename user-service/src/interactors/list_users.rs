use std::sync::Arc;

use shared_kernel::UserId;

use super::user_error::UserError;
use crate::entities::{Caller, PageRequest, User};
use crate::repositories::UserRepository;

/// Reads accounts page by page, in the order of registration, for an admin. A page costs the same wherever it is.
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

    /// The page that was asked for.
    ///
    /// # Errors
    ///
    /// [`UserError::Forbidden`], or a failure of the port.
    pub async fn execute(&self, caller: Caller, page: PageRequest) -> Result<UserPage, UserError> {
        if !caller.is_admin() {
            return Err(UserError::Forbidden);
        }
        // One more than asked for tells whether there is a next page.
        let wanted = page.limit as usize;
        let page = PageRequest { limit: page.limit.saturating_add(1), ..page };
        let mut users = self.users.list(page).await?;
        let more = users.len() > wanted;
        users.truncate(wanted);
        let next = if more { users.last().map(|user| user.id) } else { None };
        Ok(UserPage { users, next })
    }
}
