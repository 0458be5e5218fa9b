//! The definitions of the captured tables, as they were when the log's rows were written.

use std::sync::Arc;

use mysql_async::binlog::events::TableMapEvent;
use sqlx::Row as _;

use super::super::error::BinlogError;
use super::super::row_image::{ColumnDefinition, Layout, definition_in_log};
use crate::data_sources::MySqlDatabase;

const DEFINITION: &str = "SELECT COLUMN_NAME, CAST(COLUMN_TYPE AS CHAR) FROM information_schema.COLUMNS \
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";

/// How many definitions of a table are remembered.
const MOST_KNOWN: usize = 8;

/// Finds the columns that are wanted, or says why it cannot.
type Find<const WANTED: usize> =
    fn(&TableMapEvent<'_>, Vec<ColumnDefinition>) -> Result<Layout<WANTED>, String>;

/// The layout, or why there is none.
pub(super) type Found<const WANTED: usize> = Result<Arc<Layout<WANTED>>, Arc<str>>;

/// The layout of a table for the definition that the log had last; why there is none when its rows cannot be read.
#[derive(Debug)]
pub(super) struct TableLayout<const WANTED: usize> {
    table: &'static str,
    find: Find<WANTED>,
    /// The definitions that were found when it was asked for, the latest first.
    known: Vec<Vec<ColumnDefinition>>,
    /// For the number that the log gives the table, another one after each change of its definition.
    current: Option<(u64, Found<WANTED>)>,
}

impl<const WANTED: usize> TableLayout<WANTED> {
    /// Asks for the definition as it is now, which is most likely that of the first rows.
    pub(super) async fn of(
        table: &'static str,
        find: Find<WANTED>,
        database: &MySqlDatabase,
    ) -> Result<Self, BinlogError> {
        let known = vec![definition(table, database).await?];
        Ok(Self { table, find, known, current: None })
    }

    /// The layout for rows that the log introduces so.
    pub(super) async fn introduced(
        &mut self,
        table: &TableMapEvent<'_>,
        database: &MySqlDatabase,
    ) -> Result<Found<WANTED>, BinlogError> {
        if let Some((number, layout)) = &self.current
            && *number == table.table_id()
        {
            return Ok(layout.clone());
        }
        let layout = match definition_in_log(table) {
            Some(told) => (self.find)(table, told),
            None => self.looked_up(table, database).await?,
        };
        let layout = layout.map(Arc::new).map_err(|problem| {
            format!(
                "rows of the table {} in the binary log are not as this build knows them: {problem}",
                self.table
            )
            .into()
        });
        self.current = Some((table.table_id(), layout.clone()));
        Ok(layout)
    }

    /// The log does not tell the names of the columns. They are looked up, and the table may be another by now.
    async fn looked_up(
        &mut self,
        table: &TableMapEvent<'_>,
        database: &MySqlDatabase,
    ) -> Result<Result<Layout<WANTED>, String>, BinlogError> {
        let now = definition(self.table, database).await?;
        if !self.known.contains(&now) {
            self.known.insert(0, now.clone());
            self.known.truncate(MOST_KNOWN);
        }
        let found = (self.find)(table, now).or_else(|problem| {
            let earlier = self.known.iter().find_map(|known| (self.find)(table, known.clone()).ok());
            earlier.ok_or_else(|| {
                format!(
                    "{problem}; the log does not tell the names of columns, and the table has changed since: \
                     SET GLOBAL binlog_row_metadata = FULL, and the same in the server's configuration"
                )
            })
        });
        Ok(found)
    }
}

/// The columns as they are now; none when this user may not see them.
pub(super) async fn definition(
    table: &str,
    database: &MySqlDatabase,
) -> Result<Vec<ColumnDefinition>, BinlogError> {
    let rows = sqlx::query(DEFINITION)
        .bind(table)
        .fetch_all(database.readers())
        .await
        .map_err(BinlogError::Database)?;
    let columns = rows.iter().map(|row| {
        let (name, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        Ok(ColumnDefinition { name, values: enum_values(&kind) })
    });
    columns.collect::<Result<_, _>>().map_err(BinlogError::Database)
}

/// What stands in `enum('one','two')`; nothing for another type.
fn enum_values(kind: &str) -> Vec<String> {
    let Some(list) = kind.strip_prefix("enum('").and_then(|list| list.strip_suffix("')")) else {
        return vec![];
    };
    list.split("','").map(|value| value.replace("''", "'")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_an_enums_numbers_are_read() {
        assert_eq!(enum_values("enum('Unconfirmed','Confirmed')"), ["Unconfirmed", "Confirmed"]);
        assert_eq!(enum_values("enum('it''s')"), ["it's"]);
        assert_eq!(enum_values("varchar(255)"), [""; 0]);
    }
}
