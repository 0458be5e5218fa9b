//! Use cases: a verb each, with one `execute`.

mod change_user;
mod delete_user;
mod get_user;
mod list_users;
mod register_user;
mod relay_changes;
mod update_user;
mod user_error;

pub use delete_user::DeleteUser;
pub use get_user::GetUser;
pub use list_users::{ListUsers, UserPage};
pub use register_user::{RegisterUser, RegisterUserInput};
pub use relay_changes::{RelayChanges, RelayError, RelayOutcome};
pub use update_user::{UpdateUser, UpdateUserInput};
pub use user_error::UserError;
