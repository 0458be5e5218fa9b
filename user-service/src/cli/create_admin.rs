//! `user-service create-admin`.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use shared_kernel::Locale;
use user_service::config::{PasswordConfig, UserServiceConfig};
use user_service::entities::{EmailAddress, FullName, NewPassword, Registration, Username};

use super::database::DatabaseSettings;
use super::passwords::PasswordSettings;
use super::secret::read;
use super::setting_error::SettingError;

#[derive(Args)]
pub(crate) struct CreateAdminSettings {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    passwords: PasswordSettings,
    /// The name to log in by
    #[arg(long)]
    username: String,
    /// The address, which counts as confirmed
    #[arg(long)]
    email: String,
    /// The name to be addressed by
    #[arg(long)]
    full_name: Option<String>,
    /// A file that holds the password; without one it is asked for, or read from a pipe
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl CreateAdminSettings {
    pub(crate) fn config(&self) -> Result<UserServiceConfig, SettingError> {
        self.database.config()
    }

    pub(crate) fn passwords(&self) -> PasswordConfig {
        self.passwords.config()
    }

    pub(crate) fn registration(&self) -> Result<Registration, SettingError> {
        let bad = |flag| move |violation| SettingError::BadField { flag, violation };
        Ok(Registration {
            username: Username::parse(&self.username).map_err(bad("username"))?,
            email: EmailAddress::parse(&self.email).map_err(bad("email"))?,
            full_name: self
                .full_name
                .as_deref()
                .map(FullName::parse)
                .transpose()
                .map_err(bad("full-name"))?,
            date_of_birth: None,
            address: None,
            locale: Locale::default(),
        })
    }

    /// Reads the password from the file, the terminal or the pipe.
    pub(crate) fn password(&self) -> Result<NewPassword, SettingError> {
        let text = match &self.password_file {
            Some(file) => read(file, "password")?,
            None if std::io::stdin().is_terminal() => {
                rpassword::prompt_password("Password of the administrator: ")
                    .map_err(SettingError::NoPassword)?
            }
            None => std::io::read_to_string(std::io::stdin()).map_err(SettingError::NoPassword)?,
        };
        NewPassword::parse(text.trim_end_matches(['\r', '\n']))
            .map_err(|violation| SettingError::BadField { flag: "password-file", violation })
    }
}
