use std::time::Duration;

use shared_kernel::ActionPurpose;

/// How long links count, from the event on that they were made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkLifetimes {
    /// A link that confirms an address, or stops a change to another one.
    pub confirm: Duration,
    /// A link to choose a new password.
    pub reset: Duration,
}

impl LinkLifetimes {
    /// How long a link for that purpose counts.
    pub fn of(self, purpose: ActionPurpose) -> Duration {
        match purpose {
            ActionPurpose::ConfirmAddress | ActionPurpose::CancelAddressChange => self.confirm,
            ActionPurpose::ResetPassword => self.reset,
        }
    }
}

impl Default for LinkLifetimes {
    /// 48 hours for an address, which people may read at leisure; an hour for a password, which they wait for.
    fn default() -> Self {
        Self { confirm: Duration::from_secs(48 * 60 * 60), reset: Duration::from_secs(60 * 60) }
    }
}
