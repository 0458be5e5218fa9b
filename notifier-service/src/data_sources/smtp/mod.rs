//! The mailer over SMTP.
//!
//! lettre writes the message and speaks the protocol; the dialogue is driven here, command by command,
//! since its stage decides what a failure means.

mod addresses;
mod canonical;
mod connection;
mod dkim;
mod failure;
mod fence;
mod mailer;
mod message;
mod pool;
mod preview_folder;
mod settings;
mod tls;

pub use dkim::{BadDkim, DkimSigner};
pub use mailer::SmtpMailer;
pub use preview_folder::PreviewFolder;
pub use settings::{SmtpSettings, SmtpSettingsError, SmtpTls};
pub use tls::{Authorities, BadAuthorities};
