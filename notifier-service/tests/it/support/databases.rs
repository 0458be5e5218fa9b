use std::sync::Arc;

use notifier_service::data_sources::{MySqlNotificationLedger, SqliteNotificationLedger, SystemClock};
use notifier_service::repositories::{
    LedgerRetention, LedgerWatch, NotificationLedger, OperatorLedger, SuppressedAddresses,
};
use sqlx::{AssertSqlSafe, Connection};
use uuid::Uuid;

use super::in_memory_ledger::InMemoryLedger;

/// What keeps a ledger under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    InMemory,
    Sqlite,
    MariaDb,
    MySql,
}

impl Backend {
    fn server(self) -> (&'static str, &'static str) {
        match self {
            Self::MySql => ("TEST_MYSQL_URL", "TEST_SKIP_MYSQL"),
            _ => ("TEST_MARIADB_URL", "TEST_SKIP_MARIADB"),
        }
    }
}

/// All that a ledger's database keeps.
pub(crate) trait WholeLedger:
    NotificationLedger + SuppressedAddresses + LedgerRetention + LedgerWatch + OperatorLedger
{
}

impl<L> WholeLedger for L where
    L: NotificationLedger + SuppressedAddresses + LedgerRetention + LedgerWatch + OperatorLedger
{
}

/// Makes a test of each function of that name, on each backend.
macro_rules! on_every_ledger {
    ($($test:ident)*) => {
        $crate::support::databases::on_every_ledger!(@ in_memory InMemory $($test)*);
        $crate::support::databases::on_every_ledger!(@ sqlite Sqlite $($test)*);
        $crate::support::databases::on_every_ledger!(@ mariadb MariaDb $($test)*);
        $crate::support::databases::on_every_ledger!(@ mysql MySql $($test)*);
    };
    (@ $module:ident $backend:ident $($test:ident)*) => {
        mod $module {
            use $crate::support::databases::{Backend, with_ledger};
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    with_ledger(Backend::$backend, super::$test).await;
                }
            )*
        }
    };
}
pub(crate) use on_every_ledger;

/// Runs a test on a fresh, empty ledger, and removes it again, whether or not the test succeeded.
pub(crate) async fn with_ledger<F, T>(backend: Backend, test: T)
where
    F: Future<Output = ()> + Send + 'static,
    T: FnOnce(Arc<dyn WholeLedger>) -> F,
{
    match backend {
        Backend::InMemory => test(InMemoryLedger::new(Arc::new(SystemClock::start()))).await,
        Backend::Sqlite => {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("ledger.db");
            SqliteNotificationLedger::migrate(&path).await.unwrap();
            test(Arc::new(SqliteNotificationLedger::open(&path).await.unwrap())).await;
        }
        Backend::MariaDb | Backend::MySql => {
            with_server_database(backend, async |url| {
                MySqlNotificationLedger::migrate(&url).await.unwrap();
                let ledger = Arc::new(MySqlNotificationLedger::open(&url, 12).await.unwrap());
                let outcome = tokio::spawn(test(ledger.clone())).await;
                ledger.close().await;
                outcome
            })
            .await;
        }
    }
}

/// Gives a test the URL of an empty database, and removes it again, whether or not the test succeeded.
pub(crate) async fn with_server_database(
    backend: Backend,
    test: impl AsyncFnOnce(String) -> Result<(), tokio::task::JoinError>,
) {
    let Some(server) = server_url(backend) else { return };
    let name = format!("notifier_test_{}", random_suffix());
    admin(&server, format!("CREATE DATABASE {name}")).await;
    let outcome = test(format!("{server}/{name}")).await;
    admin(&server, format!("DROP DATABASE {name}")).await;
    if let Err(error) = outcome {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// The server to test on; `None`, with a line that says why, where it was skipped on purpose.
fn server_url(backend: Backend) -> Option<String> {
    let (url, skip) = backend.server();
    if let Some(url) = environment(url) {
        return Some(url.trim_end_matches('/').to_owned());
    }
    let Some(reason) = environment(skip) else {
        panic!(
            "{url} is not set: run the tests by scripts/test, which starts the servers (or set {skip}=reason)"
        );
    };
    println!("not run: {backend:?}: {reason}");
    None
}

async fn admin(server: &str, statement: String) {
    let mut connection = sqlx::MySqlConnection::connect(server).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where their servers are")]
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "a name that no other run on the same server has")]
pub(crate) fn random_suffix() -> String {
    Uuid::now_v7().simple().to_string()
}
