//! The adapters behind the ports that several use cases need.

use std::sync::Arc;

use super::StartError;
use super::database::Database;
use crate::config::PasswordConfig;
use crate::data_sources::{Argon2PasswordHasher, SystemClock, UuidV7IdGenerator, ZxcvbnPasswordStrength};
use crate::repositories::{Clock, IdGenerator, PasswordHasher, PasswordStrength, UserRepository};

/// What several use cases need.
pub(super) struct Ports {
    pub(super) users: Arc<dyn UserRepository>,
    pub(super) strength: Arc<dyn PasswordStrength>,
    pub(super) passwords: Arc<dyn PasswordHasher>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdGenerator>,
}

impl Ports {
    pub(super) fn new(database: &Database, passwords: PasswordConfig) -> Result<Self, StartError> {
        let hasher = Argon2PasswordHasher::new(passwords.cost).map_err(|error| StartError::Unusable {
            setting: "password-memory-kib",
            source: Box::new(error),
        })?;
        let (users, clock): (_, Arc<dyn Clock>) = (database.users(), Arc::new(SystemClock));
        #[cfg(all(feature = "test-switches", debug_assertions))]
        let (users, clock) = (super::test_switches::users(users), super::test_switches::clock(clock));
        Ok(Self {
            users,
            strength: Arc::new(ZxcvbnPasswordStrength::new(passwords.least_score)),
            passwords: Arc::new(hasher),
            clock,
            ids: Arc::new(UuidV7IdGenerator),
        })
    }
}
