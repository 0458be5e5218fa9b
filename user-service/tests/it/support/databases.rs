//! A fresh database for each test, on each engine.

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlPool, SqlitePool};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use user_service::data_sources::{
    MySqlDatabase, MySqlOutboxChangeFeed, MySqlUserRepository, SchemaError, SqliteDatabase,
    SqliteOutboxChangeFeed, SqliteUserRepository, UuidV7IdGenerator,
};
use user_service::repositories::{ChangeFeed, IdGenerator, UserRepository};

use super::servers::server;

/// No test takes longer; one that does is ended, so that its database is dropped.
const LONGEST_TEST: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    MariaDb,
    MySql,
}

/// One database, seen through the adapters and, for asserting, by plain SQL.
pub(crate) struct TestDatabase {
    place: Place,
    handle: Handle,
    raw: Raw,
}

enum Place {
    File { path: PathBuf, _folder: TempDir },
    Server { url: String, name: String },
}

/// What one process of the service has open.
pub(crate) enum Handle {
    MySql(MySqlDatabase),
    Sqlite(SqliteDatabase),
}

enum Raw {
    MySql(MySqlPool),
    Sqlite(SqlitePool),
}

/// Runs a test on a migrated database of its own, which is removed afterwards, however the test ends.
pub(crate) async fn with_database<F, Fut>(engine: Engine, test: F)
where
    F: FnOnce(Arc<TestDatabase>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    with_empty_database(engine, async move |database: Arc<TestDatabase>| {
        database.handle.migrate().await.unwrap();
        test(database).await;
    })
    .await;
}

/// As [`with_database`], before any migration.
pub(crate) async fn with_empty_database<F, Fut>(engine: Engine, test: F)
where
    F: FnOnce(Arc<TestDatabase>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let Some(database) = TestDatabase::create(engine).await else { return };
    let database = Arc::new(database);
    // In a task of its own, so that a panic ends the task and not this function.
    let mut task = tokio::spawn(test(Arc::clone(&database)));
    let outcome = timeout(LONGEST_TEST, &mut task).await;
    task.abort();
    database.remove().await;
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(failed)) => resume_unwind(failed.into_panic()),
        Err(_) => panic!("the test took longer than {LONGEST_TEST:?}"),
    }
}

/// A name that no other test has, now or at another time.
pub(crate) fn unique_name(prefix: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let (count, id) = (COUNT.fetch_add(1, Ordering::Relaxed), UuidV7IdGenerator.next_id().simple());
    format!("{prefix}_{}_{count}_{id}", std::process::id())
}

/// Passes on what both say, the server's answers late.
async fn delayed(client: TcpStream, server: TcpStream, latency: Duration) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let answers = async {
        let mut answer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_server.read(&mut answer).await {
            sleep(latency).await;
            if to_client.write_all(&answer[..length]).await.is_err() {
                break;
            }
        }
    };
    let _ended = tokio::join!(tokio::io::copy(&mut from_client, &mut to_server), answers);
}

impl TestDatabase {
    async fn create(engine: Engine) -> Option<Self> {
        let server = match engine {
            Engine::Sqlite => return Some(Self::on_file().await),
            Engine::MariaDb => server("TEST_MARIADB_URL", "TEST_SKIP_MARIADB")?,
            Engine::MySql => server("TEST_MYSQL_URL", "TEST_SKIP_MYSQL")?,
        };
        Some(Self::on_server(&server).await)
    }

    async fn on_file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.db");
        let handle = Handle::Sqlite(SqliteDatabase::open(&path).await.unwrap());
        let options = SqliteConnectOptions::new().filename(&path).busy_timeout(Duration::from_secs(10));
        let raw = Raw::Sqlite(SqlitePool::connect_lazy_with(options));
        Self { place: Place::File { path, _folder: folder }, handle, raw }
    }

    async fn on_server(server: &str) -> Self {
        let name = unique_name("it_user");
        let authority = server.strip_prefix("mysql://").unwrap().split(['/', '?']).next().unwrap();
        let url = format!("mysql://{authority}/{name}");
        let admin = MySqlConnectOptions::from_str(server).unwrap();
        let mut connection = admin.connect().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .unwrap();
        let handle = Handle::MySql(MySqlDatabase::connect_lazy(&url, 10).unwrap());
        let raw = Raw::MySql(MySqlPoolOptions::new().max_connections(2).connect_lazy(&url).unwrap());
        Self { place: Place::Server { url, name }, handle, raw }
    }

    async fn remove(&self) {
        let close = async {
            self.handle.close().await;
            match &self.raw {
                Raw::MySql(pool) => pool.close().await,
                Raw::Sqlite(pool) => pool.close().await,
            }
        };
        let closed = timeout(Duration::from_secs(5), close).await.is_ok();
        if let Place::Server { url, name } = &self.place {
            let options = MySqlConnectOptions::from_str(url).unwrap();
            let mut connection = options.connect().await.unwrap();
            let sql = format!("SET SESSION lock_wait_timeout = 10; DROP DATABASE {name}");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        }
        assert!(closed || std::thread::panicking(), "connections to the database were left in use");
    }

    /// SQLite's file.
    pub(crate) fn file(&self) -> &Path {
        match &self.place {
            Place::File { path, .. } => path,
            Place::Server { name, .. } => panic!("{name} is on a server"),
        }
    }

    /// The adapters as one process has them.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The adapters as another process would have them.
    pub(crate) async fn another_process(&self) -> Handle {
        match &self.place {
            Place::File { path, .. } => Handle::Sqlite(SqliteDatabase::open(path).await.unwrap()),
            Place::Server { url, .. } => Handle::MySql(MySqlDatabase::connect_lazy(url, 4).unwrap()),
        }
    }

    /// The adapters with a single connection, on which each answer of the server takes so long.
    pub(crate) async fn far_away_process(&self, latency: Duration) -> Handle {
        let Place::Server { url, name } = &self.place else { panic!("a file is never far away") };
        let options = MySqlConnectOptions::from_str(url).unwrap();
        let server = (options.get_host().to_owned(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (user, _) = url.strip_prefix("mysql://").unwrap().split_once('@').unwrap();
        let url = format!("mysql://{user}@127.0.0.1:{port}/{name}?ssl-mode=disabled");
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(delayed(client, TcpStream::connect(server.clone()).await.unwrap(), latency));
            }
        });
        Handle::MySql(MySqlDatabase::connect_lazy(&url, 1).unwrap())
    }

    pub(crate) fn users(&self) -> Arc<dyn UserRepository> {
        self.handle.users()
    }

    /// A feed that looks at the outbox so often, beside being woken by commits.
    pub(crate) fn feed(&self, poll_interval: Duration) -> Arc<dyn ChangeFeed> {
        self.handle.feed(poll_interval)
    }

    /// Runs statements beside the adapters.
    pub(crate) async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.raw {
            Raw::MySql(pool) => drop(sqlx::raw_sql(sql).execute(pool).await.unwrap()),
            Raw::Sqlite(pool) => drop(sqlx::raw_sql(sql).execute(pool).await.unwrap()),
        }
    }

    /// The rows of a query for one column of text.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.raw {
            Raw::MySql(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
            Raw::Sqlite(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
        }
    }

    pub(crate) async fn count(&self, table: &str) -> usize {
        let counts = self.texts(&format!("SELECT CAST(COUNT(*) AS CHAR) FROM {table}")).await;
        counts[0].parse().unwrap()
    }

    /// How many rows `users` and `outbox` have.
    pub(crate) async fn counts(&self) -> (usize, usize) {
        (self.count("users").await, self.count("outbox").await)
    }
}

impl Handle {
    pub(crate) async fn migrate(&self) -> Result<(), SchemaError> {
        match self {
            Self::MySql(database) => database.migrate().await,
            Self::Sqlite(database) => database.migrate().await,
        }
    }

    pub(crate) async fn check_schema(&self) -> Result<(), SchemaError> {
        match self {
            Self::MySql(database) => database.check_schema().await,
            Self::Sqlite(database) => database.check_schema().await,
        }
    }

    pub(crate) fn users(&self) -> Arc<dyn UserRepository> {
        match self {
            Self::MySql(database) => Arc::new(MySqlUserRepository::new(database.clone())),
            Self::Sqlite(database) => Arc::new(SqliteUserRepository::new(database.clone())),
        }
    }

    pub(crate) fn feed(&self, poll_interval: Duration) -> Arc<dyn ChangeFeed> {
        match self {
            Self::MySql(database) => Arc::new(MySqlOutboxChangeFeed::new(database.clone(), poll_interval)),
            Self::Sqlite(database) => Arc::new(SqliteOutboxChangeFeed::new(database.clone(), poll_interval)),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::MySql(database) => database.close().await,
            Self::Sqlite(database) => database.close().await,
        }
    }
}
