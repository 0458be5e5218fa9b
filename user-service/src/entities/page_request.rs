use shared_kernel::{AccountStatus, UserId};

use super::{EmailAddress, Username};

/// Which accounts to list.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// Only accounts that fit all of it.
    pub filter: UserFilter,
    /// Only accounts with a greater id.
    pub after: Option<UserId>,
    /// At most so many.
    pub limit: u32,
}

/// What accounts must have; nothing given fits all.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// This username, without regard to case.
    pub username: Option<Username>,
    /// This address in force, without regard to case.
    pub email: Option<EmailAddress>,
    /// This status.
    pub status: Option<AccountStatus>,
}
