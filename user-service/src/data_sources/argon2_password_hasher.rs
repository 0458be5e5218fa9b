use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt};
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, RECOMMENDED_SALT_LEN, Version};
use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::entities::{GivenPassword, NewPassword, PasswordHash};
use crate::repositories::{AdapterError, PasswordHasher, PasswordHasherError, Verification};

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
    /// What the password of nobody is held against: a hash of today's cost.
    nobodys: PasswordHash,
}

impl Argon2PasswordHasher {
    /// A hasher of that cost.
    ///
    /// # Errors
    ///
    /// When argon2 does not allow the cost.
    pub fn new(cost: Argon2Cost) -> Result<Self, PasswordHasherError> {
        let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None).map_err(failed)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobodys = nobodys_hash(argon2.params()).map_err(PasswordHasherError)?;
        let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self { argon2, permits: Arc::new(Semaphore::new(at_once)), nobodys })
    }

    /// Runs costly work on a thread of its own, once there is room for it.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> Result<T, AdapterError> + Send + 'static,
    ) -> Result<T, PasswordHasherError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(failed)?;
        let argon2 = self.argon2.clone();
        let work = tokio::task::spawn_blocking(move || {
            // Held by the work and not by the caller, who may be gone before it ends.
            let _permit = permit;
            work(&argon2)
        });
        work.await.map_err(failed)?.map_err(PasswordHasherError)
    }
}

#[async_trait]
impl PasswordHasher for Argon2PasswordHasher {
    async fn hash(&self, password: NewPassword) -> Result<PasswordHash, PasswordHasherError> {
        self.compute(move |argon2| hash(argon2, password.expose())).await
    }

    async fn verify(
        &self,
        password: &GivenPassword,
        against: Option<&PasswordHash>,
    ) -> Result<Verification, PasswordHasherError> {
        let verify_against = |hash: &PasswordHash| {
            let (password, hash) = (password.clone(), hash.clone());
            self.compute(move |argon2| verify(argon2, &password, &hash))
        };
        // Nobody's hash goes the same way as somebody's, step by step.
        let hash = against.unwrap_or(&self.nobodys);
        let verified = if !is_of_this_kind(hash) {
            // What is no hash of ours, no password matches.
            verify_against(&self.nobodys).await.map(|_verified| Verification::Wrong)
        } else if is_of_today(&self.argon2, hash) {
            verify_against(hash).await
        } else {
            // What an older hash costs would tell that there is an account: it is verified beside what the password of
            // nobody costs.
            tokio::try_join!(verify_against(hash), verify_against(&self.nobodys))
                .map(|(verified, _)| verified)
        };
        // Nobody has a password, not even one that matches this hash.
        verified.map(|verified| if against.is_some() { verified } else { Verification::Wrong })
    }

    async fn rehash(&self, password: &GivenPassword) -> Result<PasswordHash, PasswordHasherError> {
        let password = password.clone();
        self.compute(move |argon2| hash(argon2, password.expose())).await
    }
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Result<PasswordHash, AdapterError> {
    Ok(PasswordHash::new(argon2.hash_password(password.as_bytes())?.to_string()))
}

/// A hash like any other of that cost, to verify against. It is of no password that anybody knows, so it need not be computed.
fn nobodys_hash(params: &Params) -> Result<PasswordHash, AdapterError> {
    let phc = Phc {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params)?,
        salt: Some(Salt::new(&[0; RECOMMENDED_SALT_LEN])?),
        hash: Some(Output::new(&[0; Params::DEFAULT_OUTPUT_LEN])?),
    };
    Ok(PasswordHash::new(phc.to_string()))
}

/// By the parameters of the hash, which may be older than today's. argon2 compares in constant time.
fn verify(
    argon2: &Argon2<'_>,
    password: &GivenPassword,
    against: &PasswordHash,
) -> Result<Verification, AdapterError> {
    let phc = Phc::new(against.expose())?;
    match argon2.verify_password(password.expose().as_bytes(), &phc) {
        Ok(()) => {}
        Err(argon2::password_hash::Error::PasswordInvalid) => return Ok(Verification::Wrong),
        Err(failure) => return Err(failure.into()),
    }
    Ok(if is_of_today(argon2, against) { Verification::Matches } else { Verification::MatchesOutdated })
}

fn is_of_this_kind(hash: &PasswordHash) -> bool {
    Phc::new(hash.expose()).is_ok_and(|phc| Algorithm::new(phc.algorithm.as_str()).is_ok())
}

/// Whether the hash was made as a new one would be.
fn is_of_today(argon2: &Argon2<'_>, hash: &PasswordHash) -> bool {
    Phc::new(hash.expose()).is_ok_and(|phc| {
        phc.algorithm == Algorithm::Argon2id.ident()
            && phc.version == Some(Version::V0x13.into())
            && Params::try_from(&phc).is_ok_and(|params| cost(&params) == cost(argon2.params()))
    })
}

fn cost(params: &Params) -> (u32, u32, u32) {
    (params.m_cost(), params.t_cost(), params.p_cost())
}

fn failed(error: impl Into<AdapterError>) -> PasswordHasherError {
    PasswordHasherError(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(iterations: u32) -> Argon2PasswordHasher {
        Argon2PasswordHasher::new(Argon2Cost { memory_kib: 64, iterations, parallelism: 1 }).unwrap()
    }

    fn given(text: &str) -> GivenPassword {
        GivenPassword::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_of_that_cost_and_salted_each_time() {
        let password = NewPassword::parse("correct horse").unwrap();
        let (one, other) =
            (hasher(1).hash(password.clone()).await.unwrap(), hasher(1).hash(password).await.unwrap());
        assert!(one.expose().starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{}", one.expose());
        assert_ne!(one.expose(), other.expose());
    }

    #[tokio::test]
    async fn the_password_matches_and_no_other_one_does() {
        let hash = hasher(1).hash(NewPassword::parse("correct horse").unwrap()).await.unwrap();
        let verify = async |hasher: &Argon2PasswordHasher, password, hash| {
            hasher.verify(&given(password), hash).await.unwrap()
        };
        let today = hasher(1);
        assert_eq!(verify(&today, "correct horse", Some(&hash)).await, Verification::Matches);
        assert_eq!(verify(&today, "correct horsf", Some(&hash)).await, Verification::Wrong);
        assert_eq!(verify(&hasher(2), "correct horse", Some(&hash)).await, Verification::MatchesOutdated);
    }

    #[tokio::test]
    async fn nobody_has_any_password() {
        assert_eq!(hasher(1).verify(&given("correct horse"), None).await.unwrap(), Verification::Wrong);
    }

    #[tokio::test]
    async fn nobodys_hash_is_made_of_as_much_as_anybodys() {
        let hasher = hasher(3);
        let anybodys = hasher.hash(NewPassword::parse("correct horse").unwrap()).await.unwrap();
        let shape = |hash: &PasswordHash| {
            let phc = Phc::new(hash.expose()).unwrap();
            let lengths = (phc.salt.unwrap().len(), phc.hash.unwrap().len());
            (phc.algorithm, phc.version, phc.params, lengths)
        };
        assert_eq!(shape(&hasher.nobodys), shape(&anybodys));
        assert!(is_of_today(&hasher.argon2, &hasher.nobodys));
    }

    #[tokio::test]
    async fn what_is_no_hash_of_ours_matches_nothing() {
        for stored in
            ["plain-secret", "", "$2b$12$abcdefghijklmnopqrstuv", "$argon2x$v=19$m=64,t=1,p=1$YQ$Yg"]
        {
            let verified =
                hasher(1).verify(&given("plain-secret"), Some(&PasswordHash::new(stored.into()))).await;
            assert_eq!(verified.unwrap(), Verification::Wrong, "{stored:?}");
        }
    }
}
