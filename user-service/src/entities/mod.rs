//! Domain types and rules. Pure: no async, no I/O, no clock; time and ids come in as arguments.

mod date_of_birth;
mod email_address;
mod password;
mod person_text;
mod unique_field;
mod user;
mod user_events;
mod user_update;
mod username;
mod violation;

pub use date_of_birth::DateOfBirth;
pub use email_address::EmailAddress;
pub use password::{NewPassword, PasswordHash};
pub use person_text::{FullName, PostalAddress};
pub use unique_field::UniqueField;
pub use user::{ChangeStamp, Registration, User};
pub use user_events::{deleted, registered, updated};
pub use user_update::{FieldUpdate, UserUpdate};
pub use username::Username;
pub use violation::{FieldViolation, Violation};
