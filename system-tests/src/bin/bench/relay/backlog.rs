//! The changes that everybody is measured on.

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _};

use crate::Failure;
use crate::progress::Progress;

/// Each user is made and then changed nine times; of every tenth user the last change is the deletion.
pub(super) const CHANGES_OF_A_USER: u64 = 10;

/// How many users one call of a procedure takes, and one statement that makes users.
const USERS_IN_A_CALL: u64 = 1000;

/// A change before the backlog, by which whoever captures it takes its place.
pub(super) const FIRST_CHANGE: &str = "INSERT INTO users (id, username, email, password) \
     VALUES (UUID_TO_BIN(UUID()), 'first', 'first@mail.example.org', '-')";

const PROCEDURES: [&str; 3] = [
    // Ids rise as UUIDv7 do, and are the same in each run. SHA2 stands for what is random in them.
    "CREATE PROCEDURE benchMakeUsers(first INT, behind INT)
     INSERT INTO users (id, username, email, password, fullName, dateOfBirth, address, confirmationAskedAt)
     WITH RECURSIVE numbers AS (SELECT first AS n UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < behind)
     SELECT UNHEX(CONCAT(LPAD(HEX(1700000000000 + n), 12, '0'), '7', SUBSTR(SHA2(n, 256), 1, 3), '8', SUBSTR(SHA2(n, 256), 4, 15))),
            CONCAT(ELT(1 + n % 5, 'ada', 'grace', 'joao', 'concepcion', 'edsger'), '.', LPAD(n, 7, '0')),
            CONCAT(ELT(1 + n % 5, 'ada', 'grace', 'joao', 'concepcion', 'edsger'), '.', LPAD(n, 7, '0'), '@mail.example.org'),
            CONCAT('$argon2id$v=19$m=19456,t=2,p=1$', LEFT(TO_BASE64(SHA2(n, 256)), 22), '$', LEFT(TO_BASE64(SHA2(n, 256)), 43)),
            CONCAT(ELT(1 + n % 5, 'Ada', 'Grace', 'João', 'Concepción', 'Edsger'), ' ', LEFT(SHA2(n, 256), 8)),
            DATE_ADD('1950-01-01', INTERVAL n % 20000 DAY),
            CONCAT(1 + n % 300, ' ', LEFT(SHA2(n, 256), 12), ' Street, ', 10000 + n % 90000, ' Springfield'),
            NOW(6)
     FROM numbers",
    "CREATE PROCEDURE benchChangeOneByOne(round INT, first INT, behind INT)
     BEGIN
         DECLARE n INT DEFAULT first;
         DECLARE changed BINARY(16);
         WHILE n < behind DO
             SET changed = UNHEX(CONCAT(LPAD(HEX(1700000000000 + n), 12, '0'), '7', SUBSTR(SHA2(n, 256), 1, 3), '8', SUBSTR(SHA2(n, 256), 4, 15)));
             CASE
                 WHEN round = 9 AND n % 10 = 0 THEN DELETE FROM users WHERE id = changed;
                 WHEN round = 3 THEN
                     UPDATE users SET address = CONCAT('New ', address), fullName = CONCAT(fullName, '-Smith'), lastUpdated = NOW(6)
                     WHERE id = changed;
                 WHEN round = 5 THEN UPDATE users SET email = CONCAT('new.', email), lastUpdated = NOW(6) WHERE id = changed;
                 WHEN round = 7 THEN
                     UPDATE users SET pendingEmail = CONCAT('pending.', email), lastUpdated = NOW(6) WHERE id = changed;
                 ELSE UPDATE users SET fullName = CONCAT('Round ', round, ' ', LEFT(SHA2(n, 256), 8)), lastUpdated = NOW(6)
                     WHERE id = changed;
             END CASE;
             SET n = n + 1;
         END WHILE;
     END",
    "CREATE PROCEDURE benchChangeTogether(round INT, first INT, behind INT)
     BEGIN
         DECLARE n INT DEFAULT first;
         DECLARE low, high BINARY(16);
         WHILE n < behind DO
             SET low = UNHEX(CONCAT(LPAD(HEX(1700000000000 + n), 12, '0'), REPEAT('0', 20)));
             SET n = LEAST(n + 100, behind);
             SET high = UNHEX(CONCAT(LPAD(HEX(1700000000000 + n), 12, '0'), REPEAT('0', 20)));
             CASE round
                 WHEN 2 THEN UPDATE users SET status = 'Confirmed', lastUpdated = NOW(6) WHERE id >= low AND id < high;
                 WHEN 4 THEN UPDATE users SET locale = 'pt-BR', lastUpdated = NOW(6) WHERE id >= low AND id < high;
                 WHEN 6 THEN
                     UPDATE users SET fullName = UPPER(fullName), dateOfBirth = DATE_ADD(dateOfBirth, INTERVAL 1 DAY),
                         lastUpdated = NOW(6)
                     WHERE id >= low AND id < high;
                 WHEN 8 THEN
                     UPDATE users SET email = pendingEmail, pendingEmail = NULL, lastUpdated = NOW(6)
                     WHERE id >= low AND id < high;
             END CASE;
         END WHILE;
     END",
];

/// A place in the server's binary log.
#[derive(Debug, Clone)]
pub(super) struct BinlogPlace {
    pub(super) file: String,
    pub(super) offset: u64,
}

impl BinlogPlace {
    /// Where the log ends now.
    pub(super) async fn now(database_url: &str) -> Result<Self, Failure> {
        let mut connection = MySqlConnection::connect(database_url).await?;
        let row = connection.fetch_one("SHOW BINARY LOG STATUS").await?;
        let place = Self { file: row.try_get(0)?, offset: row.try_get(1)? };
        connection.close().await?;
        Ok(place)
    }
}

/// Makes so many changes of the table `users`, as another program would that knows nothing of this one: it sets neither
/// `version` nor `lastEventId`, and writes nothing to the outbox. Half are transactions of one row, the others come a
/// hundred rows a statement, or a thousand where users are made.
pub(super) async fn make(database_url: &str, changes: u64) -> Result<(), Failure> {
    let users = changes / CHANGES_OF_A_USER;
    let mut progress = Progress::new("making the backlog", changes);
    let mut connection = MySqlConnection::connect(database_url).await?;
    for procedure in PROCEDURES {
        connection.execute(procedure).await?;
    }
    for round in 0..CHANGES_OF_A_USER {
        for first in (0..users).step_by(USERS_IN_A_CALL as usize) {
            let behind = users.min(first + USERS_IN_A_CALL);
            let call = match round {
                0 => format!("CALL benchMakeUsers({first}, {behind})"),
                round if round % 2 == 1 => format!("CALL benchChangeOneByOne({round}, {first}, {behind})"),
                round => format!("CALL benchChangeTogether({round}, {first}, {behind})"),
            };
            connection.execute(AssertSqlSafe(call)).await?;
            progress.at(round * users + behind);
        }
    }
    connection.close().await?;
    progress.end();
    Ok(())
}

/// How many rows one statement writes to an outbox.
const ROWS_IN_A_STATEMENT: u64 = 10_000;

/// Writes as many changes to the outbox of another database as user-service would have written there: a registration
/// of each user and nine updates, the users by turns.
pub(crate) async fn fill_outbox(database_url: &str, changes: u64) -> Result<(), Failure> {
    let users = changes / CHANGES_OF_A_USER;
    let mut progress = Progress::new("filling the outbox", changes);
    let mut connection = MySqlConnection::connect(database_url).await?;
    connection.execute("SET SESSION cte_max_recursion_depth = 10000").await?;
    for first in (0..changes).step_by(ROWS_IN_A_STATEMENT as usize) {
        let behind = changes.min(first + ROWS_IN_A_STATEMENT);
        let statement = format!(
            "INSERT INTO outbox (id, userId, eventType, occurredAt, payload)
             WITH RECURSIVE numbers AS (SELECT {first} AS n UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {behind}),
             changes AS (
                 SELECT n, n % {users} AS u, n DIV {users} AS round,
                     UNHEX(CONCAT(LPAD(HEX(1700000000000 + n), 12, '0'), '7', SUBSTR(SHA2(n, 256), 1, 3), '8', SUBSTR(SHA2(n, 256), 4, 15))) AS event,
                     UNHEX(CONCAT(LPAD(HEX(1600000000000 + n % {users}), 12, '0'), '7', SUBSTR(SHA2(n % {users}, 256), 1, 3), '8', SUBSTR(SHA2(n % {users}, 256), 4, 15))) AS user
                 FROM numbers)
             SELECT event, user, IF(round = 0, 'inf-user.user.registered.v1', 'inf-user.user.updated.v1'), NOW(6),
                 JSON_OBJECT('op', IF(round = 0, 'c', 'u'),
                     'before', IF(round = 0, NULL, JSON_OBJECT('id', BIN_TO_UUID(user), 'username', CONCAT('ada.', LPAD(u, 7, '0')),
                         'email', CONCAT('ada.', LPAD(u, 7, '0'), '@mail.example.org'), 'pendingEmail', NULL,
                         'fullName', CONCAT('Ada ', LEFT(SHA2(n - {users}, 256), 8)), 'status', 'Confirmed', 'locale', 'en')),
                     'after', JSON_OBJECT('id', BIN_TO_UUID(user), 'username', CONCAT('ada.', LPAD(u, 7, '0')),
                         'email', CONCAT('ada.', LPAD(u, 7, '0'), '@mail.example.org'), 'pendingEmail', NULL,
                         'fullName', CONCAT('Ada ', LEFT(SHA2(n, 256), 8)), 'status', 'Confirmed', 'locale', 'en'),
                     'changed', IF(round = 0, JSON_ARRAY(), JSON_ARRAY('fullName')), 'version', round + 1, 'securityVersion', 1,
                     'source', JSON_OBJECT('connector', 'inf-user', 'capture', 'outbox', 'db', 'userdata', 'table', 'users',
                         'ts_ms', 1700000000000 + n, 'gtid', NULL, 'file', NULL, 'pos', NULL),
                     'ts_ms', 0)
             FROM changes ORDER BY n"
        );
        connection.execute(AssertSqlSafe(statement)).await?;
        progress.at(behind);
    }
    connection.close().await?;
    progress.end();
    Ok(())
}
