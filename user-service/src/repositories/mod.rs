//! Ports: what the use cases ask of the world, as traits named by a plain noun.
//!
//! What an adapter must do stands on each trait. Each port has its own error, which says whether trying
//! again can help.

mod answer_repository;
mod broker_probe;
mod change_feed;
mod clock;
mod event_publisher;
mod id_generator;
mod outbox_backlog;
mod password_hasher;
mod password_reset_inbox;
mod password_strength;
mod secret_generator;
mod session_repository;
mod user_repository;
mod user_transaction;

pub use crate::entities::{PageRequest, UserFilter};
pub use answer_repository::{AnswerRepository, AnswerWrites};
pub use broker_probe::BrokerProbe;
pub use change_feed::{CapturedChange, ChangeFeed, ChangeFeedError, Content};
pub use clock::Clock;
pub use event_publisher::{EventPublisher, PublishError, PublishFailure};
pub use id_generator::IdGenerator;
pub use outbox_backlog::{MOST_COUNTED, OutboxBacklog, WaitingChanges};
pub use password_hasher::{PasswordHasher, PasswordHasherError, Verification};
pub use password_reset_inbox::{PasswordResetInbox, PasswordResetRequest, PasswordResetWrites};
pub use password_strength::PasswordStrength;
pub use secret_generator::{SecretGenerator, SecretGeneratorError};
pub use session_repository::{SessionHolder, SessionRepository, SessionWrites};
pub use user_repository::{RepositoryError, UserRepository};
pub use user_transaction::UserTransaction;

/// What an adapter's technology said, kept as the source of a port's error.
pub type AdapterError = Box<dyn std::error::Error + Send + Sync>;
