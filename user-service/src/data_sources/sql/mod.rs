//! What the SQL adapters share: statements that all databases understand, rows, errors, migrations.

pub(super) mod answers;
mod change_signal;
mod columns;
#[cfg(feature = "metrics")]
mod connections;
mod errors;
mod in_hand;
mod migrations;
mod moment;
mod outbox_backlog;
mod outbox_change_feed;
mod outbox_row;
pub(super) mod password_resets;
pub(super) mod sessions;
pub(super) mod statements;
mod user_list;
mod user_repository;
mod user_row;
mod user_transaction;

pub(super) use answers::{implement_answer_repository, implement_answer_writes};
pub(super) use change_signal::{ChangeSignal, Written};
pub(super) use columns::{hash, known};
#[cfg(feature = "metrics")]
pub(super) use connections::connections;
pub(super) use errors::{feed_error, is_unique_violation, key_error, repository_error};
#[cfg(feature = "mysql-binlog")]
pub(super) use in_hand::row_of_event;
pub(super) use in_hand::{InHand, RowOfEvent};
pub use migrations::SchemaError;
pub(super) use migrations::{check_applied, migrator};
pub(super) use moment::Moment;
pub(super) use outbox_backlog::outbox_backlog;
pub(super) use outbox_change_feed::{bury_outbox, outbox_change_feed};
pub(super) use outbox_row::{OutboxRow, captured, captured_change, encoded_payload};
pub(super) use password_resets::{implement_password_reset_inbox, implement_password_reset_writes};
pub(super) use sessions::{implement_session_repository, implement_session_writes};
pub(super) use user_list::list_users;
pub(super) use user_repository::implement_user_repository;
pub(super) use user_row::{bind_user, user_from_row};
pub(super) use user_transaction::implement_user_transaction;

/// The accounts another may share a username or an address with, to name what is taken.
pub(super) fn taken_fields(same_username: bool, same_email: bool) -> Vec<crate::entities::UniqueField> {
    use crate::entities::UniqueField;
    [(UniqueField::Username, same_username), (UniqueField::Email, same_email)]
        .into_iter()
        .filter_map(|(field, taken)| taken.then_some(field))
        .collect()
}
