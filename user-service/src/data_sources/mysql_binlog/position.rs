use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row};

use super::error::BinlogError;

/// Where the log ends, as MySQL calls it since 8.2.
const STATUS: &str = "SHOW BINARY LOG STATUS";

/// The same for MySQL before 8.2 and for MariaDB.
const OLD_STATUS: &str = "SHOW MASTER STATUS";

/// The servers' "you have an error in your SQL syntax".
const NOT_UNDERSTOOD: u16 = 1064;

const ASK_FOR_STATUS: &str = "REPLICATION CLIENT ON *.* (on MariaDB: BINLOG MONITOR ON *.*)";

/// A place in the binary log of one server, between two transactions.
#[derive(Debug)]
pub(super) struct Position {
    pub(super) file: String,
    pub(super) offset: u64,
}

impl Position {
    /// Where the log of this server ends. Refuses one that leaves the database out of its log.
    pub(super) async fn now(connection: &mut Conn, database: &str) -> Result<Self, BinlogError> {
        let row: Option<Row> = match connection.query_first(STATUS).await {
            Err(mysql_async::Error::Server(answer)) if answer.code == NOT_UNDERSTOOD => {
                connection.query_first(OLD_STATUS).await
            }
            result => result,
        }
        .map_err(BinlogError::asking(ASK_FOR_STATUS))?;
        let text =
            |index| row.as_ref().and_then(|row| row.get_opt::<String, _>(index)?.ok()).unwrap_or_default();
        let offset = row.as_ref().and_then(|row| row.get_opt::<u64, _>(1)?.ok()).unwrap_or_default();
        check_filters(&text(2), &text(3), database)?;
        let file = text(0);
        // The command that starts the log takes no more than 32 bits
        // (https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_binlog_dump.html).
        if offset > u64::from(u32::MAX) {
            return Err(BinlogError::Offset { file });
        }
        Ok(Self { file, offset })
    }
}

/// `binlog_do_db` and `binlog_ignore_db`: the databases that alone are in the log, if any are named, and those that are
/// not.
fn check_filters(only: &str, ignored: &str, database: &str) -> Result<(), BinlogError> {
    let names = |list: &str| list.split(',').any(|name| name == database);
    let refused = |name, value: &str, needed, fix| {
        Err(BinlogError::Setting { name, value: value.to_owned(), needed, fix })
    };
    if !only.is_empty() && !names(only) {
        let fix = format!("start the server with --binlog-do-db={database} as well");
        return refused("binlog_do_db", only, "nothing, or this database among others", fix);
    }
    if names(ignored) {
        let fix = format!("start the server without --binlog-ignore-db={database}");
        return refused("binlog_ignore_db", ignored, "a list without this database", fix);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_must_be_in_the_log() {
        for (only, ignored) in [("", ""), ("other,users", ""), ("", "mysql"), ("users", "mysql")] {
            check_filters(only, ignored, "users").expect("in the log");
        }
        for (only, ignored, told) in [
            ("other", "", "binlog_do_db is other"),
            ("other,users2", "", "--binlog-do-db=users"),
            ("", "users", "binlog_ignore_db is users"),
        ] {
            let error = check_filters(only, ignored, "users").expect_err("not in the log").to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
