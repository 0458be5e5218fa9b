use std::sync::Arc;

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::entities::{NewPassword, PasswordHash};
use crate::repositories::{PasswordHasher, PasswordHasherError};

/// What one hash costs. The default is OWASP's first recommendation for argon2id
/// (<https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>).
#[derive(Debug, Clone, Copy)]
pub struct Argon2Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Default for Argon2Cost {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, iterations: 2, parallelism: 1 }
    }
}

/// argon2id off the async threads, as many at once as there are processors.
pub struct Argon2PasswordHasher {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
}

impl Argon2PasswordHasher {
    /// A hasher of that cost.
    ///
    /// # Errors
    ///
    /// When argon2 does not allow the cost.
    pub fn new(cost: Argon2Cost) -> Result<Self, PasswordHasherError> {
        let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None)
            .map_err(|error| PasswordHasherError(Box::new(error)))?;
        let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            permits: Arc::new(Semaphore::new(at_once)),
        })
    }
}

#[async_trait]
impl PasswordHasher for Argon2PasswordHasher {
    async fn hash(&self, password: NewPassword) -> Result<PasswordHash, PasswordHasherError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|closed| PasswordHasherError(Box::new(closed)))?;
        let argon2 = self.argon2.clone();
        let work = tokio::task::spawn_blocking(move || {
            // Held by the work and not by the caller, who may be gone before it ends.
            let _permit = permit;
            argon2.hash_password(password.expose().as_bytes()).map(|phc| phc.to_string())
        });
        let phc = work
            .await
            .map_err(|panicked| PasswordHasherError(Box::new(panicked)))?
            .map_err(|error| PasswordHasherError(Box::new(error)))?;
        Ok(PasswordHash::new(phc))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_argon2id_of_that_cost_and_salted_each_time() {
        let hasher =
            Argon2PasswordHasher::new(Argon2Cost { memory_kib: 64, iterations: 1, parallelism: 1 }).unwrap();
        let password = NewPassword::parse("correct horse").unwrap();
        let (one, other) =
            (hasher.hash(password.clone()).await.unwrap(), hasher.hash(password).await.unwrap());
        assert!(one.expose().starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{}", one.expose());
        assert_ne!(one.expose(), other.expose());
    }
}
