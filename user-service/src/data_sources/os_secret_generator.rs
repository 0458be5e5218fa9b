use crate::repositories::{SecretGenerator, SecretGeneratorError};

/// The operating system's source of randomness.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsSecretGenerator;

impl SecretGenerator for OsSecretGenerator {
    fn next_secret(&self) -> Result<[u8; 32], SecretGeneratorError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| SecretGeneratorError(Box::new(error)))?;
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_comes_twice() {
        let (one, other) =
            (OsSecretGenerator.next_secret().unwrap(), OsSecretGenerator.next_secret().unwrap());
        assert_ne!(one, other);
    }
}
