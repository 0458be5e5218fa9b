//! Ports: what the use cases ask of the world, as traits named by a plain noun.
//!
//! What an adapter must do stands on each trait. Each port has its own error, which says whether trying
//! again can help.

mod change_feed;
mod clock;
mod event_publisher;
mod id_generator;
mod password_hasher;
mod user_repository;

pub use change_feed::{CapturedChange, ChangeFeed, ChangeFeedError, Content};
pub use clock::Clock;
pub use event_publisher::{EventPublisher, PublishError, PublishFailure};
pub use id_generator::IdGenerator;
pub use password_hasher::{PasswordHasher, PasswordHasherError};
pub use user_repository::{PageRequest, RepositoryError, UserRepository, UserTransaction};

/// What an adapter's technology said, kept as the source of a port's error.
pub type AdapterError = Box<dyn std::error::Error + Send + Sync>;
