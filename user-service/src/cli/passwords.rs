//! What is asked of passwords.

use clap::Args;
use user_service::config::PasswordConfig;
use user_service::data_sources::Argon2Cost;

#[derive(Args)]
pub(super) struct PasswordSettings {
    /// Memory of one password hash (argon2id), in KiB
    #[arg(long, env = "USER_SERVICE_PASSWORD_MEMORY_KIB", default_value_t = Argon2Cost::default().memory_kib)]
    password_memory_kib: u32,
    /// Passes of one password hash (argon2id)
    #[arg(long, env = "USER_SERVICE_PASSWORD_ITERATIONS", default_value_t = Argon2Cost::default().iterations, value_parser = clap::value_parser!(u32).range(1..))]
    password_iterations: u32,
    /// How hard to guess a new password must be, by zxcvbn: from 0 (anything) to 4 (very hard)
    #[arg(long, env = "USER_SERVICE_PASSWORD_SCORE", default_value_t = PasswordConfig::default().least_score, value_parser = clap::value_parser!(u8).range(0..=4))]
    password_score: u8,
}

impl PasswordSettings {
    pub(super) fn config(&self) -> PasswordConfig {
        let cost = Argon2Cost {
            memory_kib: self.password_memory_kib,
            iterations: self.password_iterations,
            ..Argon2Cost::default()
        };
        PasswordConfig { cost, least_score: self.password_score }
    }
}
