use shared_kernel::UserId;

use super::{Role, SessionId};

/// Who makes a call, as shown by the access token of a session that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Whose session it is.
    pub user_id: UserId,
    /// What they may do, as of now and not as of the login.
    pub role: Role,
    /// The session.
    pub session: SessionId,
}

impl Caller {
    /// Whether the account is the caller's own.
    pub fn is(&self, id: UserId) -> bool {
        self.user_id == id
    }

    /// Whether the caller may read and change that account.
    pub fn may_access(&self, id: UserId) -> bool {
        self.is(id) || self.is_admin()
    }

    /// Whether the caller may read and change every account.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_user_may_access_itself_and_an_admin_everybody() {
        let [ada, eve] = [1, 2].map(|n| UserId(Uuid::from_u128(n)));
        let caller = |role| Caller { user_id: ada, role, session: SessionId(Uuid::nil()) };
        assert!(caller(Role::User).may_access(ada) && !caller(Role::User).may_access(eve));
        assert!(caller(Role::Admin).may_access(ada) && caller(Role::Admin).may_access(eve));
        assert!(!caller(Role::Admin).is(eve));
    }
}
