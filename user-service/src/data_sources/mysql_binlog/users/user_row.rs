//! Rows of `users` as the log has them.

use chrono::{DateTime, Utc};
use mysql_async::binlog::events::TableMapEvent;
use mysql_async::consts::ColumnType;
use shared_kernel::{AccountStatus, EventId, Locale, UserId, UserRow, UserSnapshot};
use thiserror::Error;
use uuid::Uuid;

use super::super::row_image::{Cell, ColumnDefinition, Image, Layout, uuid};

/// What is read of a row. The last two are only compared, and their values go nowhere.
const COLUMNS: [&str; COUNT] = [
    "id",
    "username",
    "email",
    "pendingEmail",
    "fullName",
    "status",
    "locale",
    "version",
    "securityVersion",
    "passwordChangedAt",
    "lastUpdated",
    "lastEventId",
    "dateOfBirth",
    "address",
];

pub(super) const COUNT: usize = 14;

/// Places in [`COLUMNS`].
mod column {
    pub(super) const ID: usize = 0;
    pub(super) const USERNAME: usize = 1;
    pub(super) const EMAIL: usize = 2;
    pub(super) const PENDING_EMAIL: usize = 3;
    pub(super) const FULL_NAME: usize = 4;
    pub(super) const STATUS: usize = 5;
    pub(super) const LOCALE: usize = 6;
    pub(super) const VERSION: usize = 7;
    pub(super) const SECURITY_VERSION: usize = 8;
    pub(super) const LAST_UPDATED: usize = 10;
    pub(super) const LAST_EVENT_ID: usize = 11;
}

/// Where the columns are, for one version of the table's definition.
pub(super) type UsersLayout = Layout<COUNT>;

/// Why a row of `users` cannot be understood. Says nothing of what it holds, which may be personal.
#[derive(Debug, Error)]
pub(super) enum BadUserRow {
    #[error("the table has no column {0} any more")]
    Missing(&'static str),
    #[error(
        "the column {0} is not in the binary log: binlog_row_image was not FULL where the row was written; \
         SET GLOBAL binlog_row_image = FULL, and let the writers connect anew"
    )]
    Untold(&'static str),
    #[error("the column {0} is not {1}")]
    Bad(&'static str, &'static str),
}

/// Finds the columns of `users`.
pub(super) fn users_layout(
    table: &TableMapEvent<'_>,
    definition: Vec<ColumnDefinition>,
) -> Result<UsersLayout, String> {
    Layout::new(table, definition, COLUMNS)
}

/// One image of a row.
pub(super) struct LoggedUser<'a>(pub(super) Image<'a, COUNT>);

impl<'a> LoggedUser<'a> {
    /// Whose row it is, where that can be read.
    pub(super) fn user(&self) -> Option<UserId> {
        self.uuid(column::ID).ok().flatten().map(UserId)
    }

    /// `None` for `NULL`.
    fn bytes(&self, column: usize) -> Result<Option<&'a [u8]>, BadUserRow> {
        match self.0.cells[column] {
            Cell::Missing => Err(BadUserRow::Missing(COLUMNS[column])),
            Cell::Untold => Err(BadUserRow::Untold(COLUMNS[column])),
            Cell::Null => Ok(None),
            Cell::Bytes(bytes) => Ok(Some(bytes)),
        }
    }

    /// As [`bytes`](Self::bytes), of a column that an event can do without.
    fn optional(&self, column: usize) -> Result<Option<&'a [u8]>, BadUserRow> {
        match self.0.cells[column] {
            Cell::Missing => Ok(None),
            _ => self.bytes(column),
        }
    }

    fn text(&self, column: usize) -> Result<String, BadUserRow> {
        let bytes = self.bytes(column)?.ok_or_else(|| bad(column, "a text"))?;
        Ok(as_text(column, bytes)?.to_owned())
    }

    fn optional_text(&self, column: usize) -> Result<Option<&'a str>, BadUserRow> {
        self.optional(column)?.map(|bytes| as_text(column, bytes)).transpose()
    }

    fn number(&self, column: usize) -> Result<i64, BadUserRow> {
        let bytes = self.bytes(column)?;
        match (self.0.layout.kind(column), bytes.and_then(|bytes| bytes.try_into().ok())) {
            (Some(ColumnType::MYSQL_TYPE_LONGLONG), Some(bytes)) => Ok(i64::from_le_bytes(bytes)),
            _ => Err(bad(column, "a BIGINT")),
        }
    }

    fn uuid(&self, column: usize) -> Result<Option<Uuid>, BadUserRow> {
        self.bytes(column)?.map(|logged| uuid(logged).ok_or_else(|| bad(column, "a UUID"))).transpose()
    }

    fn status(&self) -> Result<AccountStatus, BadUserRow> {
        let layout = self.0.layout;
        let bytes = self.bytes(column::STATUS)?.unwrap_or_default();
        let name = match layout.kind(column::STATUS) {
            Some(ColumnType::MYSQL_TYPE_ENUM) => {
                let number = bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
                layout.named(column::STATUS, number)
            }
            _ => std::str::from_utf8(bytes).ok(),
        };
        name.and_then(AccountStatus::from_name).ok_or_else(|| bad(column::STATUS, "a status of an account"))
    }
}

impl UserRow for LoggedUser<'_> {
    type Error = BadUserRow;

    fn snapshot(&self) -> Result<UserSnapshot, BadUserRow> {
        Ok(UserSnapshot {
            id: UserId(self.uuid(column::ID)?.ok_or_else(|| bad(column::ID, "a UUID"))?),
            username: self.text(column::USERNAME)?,
            email: self.text(column::EMAIL)?,
            pending_email: self.optional_text(column::PENDING_EMAIL)?.map(str::to_owned),
            full_name: self.optional_text(column::FULL_NAME)?.map(str::to_owned),
            status: self.status()?,
            locale: self.optional_text(column::LOCALE)?.and_then(Locale::from_tag).unwrap_or_default(),
        })
    }

    fn last_event_id(&self) -> Result<Option<EventId>, BadUserRow> {
        Ok(self.uuid(column::LAST_EVENT_ID)?.filter(|id| !id.is_nil()).map(EventId))
    }

    fn last_updated(&self) -> Option<DateTime<Utc>> {
        let bytes = self.optional(column::LAST_UPDATED).ok()??;
        self.0.layout.moment(column::LAST_UPDATED, bytes)
    }

    fn version(&self) -> Result<i64, BadUserRow> {
        self.number(column::VERSION)
    }

    fn security_version(&self) -> Result<i64, BadUserRow> {
        self.number(column::SECURITY_VERSION)
    }

    fn differs_in(&self, before: &Self, column: &str) -> bool {
        let Some(column) = COLUMNS.iter().position(|known| *known == column) else { return false };
        let (old, new) = (before.0.cells[column], self.0.cells[column]);
        let is_told = |cell| matches!(cell, Cell::Null | Cell::Bytes(_));
        is_told(old) && is_told(new) && old != new
    }
}

fn bad(column: usize, expected: &'static str) -> BadUserRow {
    BadUserRow::Bad(COLUMNS[column], expected)
}

fn as_text(column: usize, bytes: &[u8]) -> Result<&str, BadUserRow> {
    std::str::from_utf8(bytes).map_err(|_| bad(column, "a text in UTF-8"))
}
