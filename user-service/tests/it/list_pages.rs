//! What a page of a million accounts costs on MySQL: as much wherever it is and whatever the filter.

use std::time::Duration;

use shared_kernel::{AccountStatus, UserId};
use sqlx::mysql::{MySqlArguments, MySqlConnection, MySqlRow};
use sqlx::{Arguments as _, AssertSqlSafe, Row as _};
use user_service::entities::{EmailAddress, Username};
use user_service::repositories::{PageRequest, UserFilter};
use uuid::Uuid;

use crate::support::databases::{Engine, TestDatabase, with_database_for};

/// To fill the table takes most of it.
const LONGEST: Duration = Duration::from_secs(400);

/// The accounts with the ids from 1 to a million. One in a thousand is unconfirmed, so that whoever looks for them
/// among all accounts reads a thousand times too many.
const MILLION: &str = "INSERT INTO users (id, username, email, password, status) \
     WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000000) \
     SELECT UNHEX(LPAD(HEX(n), 32, '0')), CONCAT('User', LPAD(n, 7, '0')), \
     CONCAT('User', LPAD(n, 7, '0'), '@example.org'), 'x', IF(n % 1000 = 0, 'Unconfirmed', 'Confirmed') FROM numbers";

const LIMIT: u32 = 51;

/// A filter, and what it must be served by.
struct Case {
    filter: UserFilter,
    keys: &'static [&'static str],
    /// Where the page begins, and how many accounts it has.
    pages: &'static [(u32, u64)],
}

fn cases() -> Vec<Case> {
    let of_status = |status| UserFilter { status: Some(status), ..UserFilter::default() };
    let username = Some(Username::parse("user0600000").unwrap());
    let email = Some(EmailAddress::parse("USER0600000@example.org").unwrap());
    let status = Some(AccountStatus::Unconfirmed);
    let all = &[(0, 51), (500_000, 51), (999_990, 10), (1_000_000, 0)];
    let one = &[(0, 1), (500_000, 1)];
    let mut cases = vec![
        Case { filter: UserFilter::default(), keys: &["PRIMARY"], pages: all },
        Case {
            filter: of_status(AccountStatus::Confirmed),
            keys: &["users_status"],
            pages: &[(0, 51), (500_000, 51), (999_990, 9), (1_000_000, 0)],
        },
        Case {
            filter: of_status(AccountStatus::Unconfirmed),
            keys: &["users_status"],
            pages: &[(0, 51), (500_000, 51), (990_000, 10), (1_000_000, 0)],
        },
    ];
    for (username, email, status) in [
        (username.clone(), None, None),
        (None, email.clone(), None),
        (username.clone(), None, status),
        (None, email.clone(), status),
        (username.clone(), email.clone(), None),
        (username, email, status),
    ] {
        let filter = UserFilter { username, email, status };
        cases.push(Case { filter, keys: &["users_usernameKey", "users_emailKey"], pages: one });
    }
    cases
}

/// The values of a page's statement, in the order in which the adapter binds them.
fn values(page: &PageRequest) -> MySqlArguments {
    let UserFilter { username, email, status } = &page.filter;
    let mut values = MySqlArguments::default();
    values.add(page.after.map_or(Uuid::nil(), |id| id.0)).unwrap();
    let texts = [
        username.as_ref().map(Username::as_str),
        email.as_ref().map(EmailAddress::as_str),
        status.map(AccountStatus::as_str),
    ];
    for text in texts.into_iter().flatten() {
        values.add(text).unwrap();
    }
    values.add(page.limit).unwrap();
    values
}

async fn rows(connection: &mut MySqlConnection, sql: String, values: MySqlArguments) -> Vec<MySqlRow> {
    sqlx::query_with(AssertSqlSafe(sql), values).fetch_all(connection).await.unwrap()
}

/// How the server goes about a statement: the kind of access, the key, and what else it says.
async fn plan(connection: &mut MySqlConnection, sql: &str, page: &PageRequest) -> [String; 3] {
    let plan = rows(connection, format!("EXPLAIN FORMAT=TRADITIONAL {sql}"), values(page)).await;
    assert_eq!(plan.len(), 1);
    ["type", "key", "Extra"].map(|column| plan[0].get::<Option<String>, _>(column).unwrap_or_default())
}

/// How many rows the server reads and sorts for a statement.
async fn cost(connection: &mut MySqlConnection, sql: &str, page: &PageRequest) -> (u64, u64) {
    sqlx::raw_sql("FLUSH STATUS").execute(&mut *connection).await.unwrap();
    rows(connection, sql.to_owned(), values(page)).await;
    let counters =
        "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = 'Sort_rows'";
    let (mut read, mut sorted) = (0, 0);
    for row in sqlx::raw_sql(counters).fetch_all(connection).await.unwrap() {
        let (name, count): (String, String) = (row.get(0), row.get(1));
        let counter = if name == "Sort_rows" { &mut sorted } else { &mut read };
        *counter += count.parse::<u64>().unwrap();
    }
    (read, sorted)
}

async fn pages_of_a_million(database: &TestDatabase) {
    let mut connection = database.connection().await;
    // The other tests on this server need not carry it along in the log.
    let session = "SET SESSION cte_max_recursion_depth = 1000001, sql_log_bin = 0";
    for sql in [session, MILLION, "ANALYZE TABLE users"] {
        sqlx::raw_sql(sql).execute(&mut *connection).await.unwrap();
    }
    let (process, statements) = database.overheard_process().await;
    let users = process.users();
    for Case { filter, keys, pages } in cases() {
        for &(after, length) in pages {
            let after = (after > 0).then(|| UserId(Uuid::from_u128(after.into())));
            let page = PageRequest { filter: filter.clone(), after, limit: LIMIT };
            let found = users.list(page.clone()).await.unwrap();
            assert_eq!(found.len() as u64, length, "{page:?}");

            // What the adapter has just run: it is prepared once for all pages of a filter.
            let sql = statements.lock().unwrap().last().cloned().unwrap();
            let [access, key, extra] = plan(&mut connection, &sql, &page).await;
            let told = format!("{page:?}: {sql}: {access} {key} {extra}");
            assert!(["range", "ref", "const"].contains(&&*access) && keys.contains(&&*key), "{told}");
            assert!(!extra.contains("filesort") && !extra.contains("temporary"), "{told}");
            let (read, sorted) = cost(&mut connection, &sql, &page).await;
            // The first row that is none any more may be read too.
            assert!(read <= length + 1 && sorted == 0, "{told}: {read} rows read, {sorted} sorted");
        }
    }
    process.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_costs_the_same_wherever_it_is_and_whatever_the_filter() {
    with_database_for(LONGEST, Engine::MySql, async |database| pages_of_a_million(&database).await).await;
}
