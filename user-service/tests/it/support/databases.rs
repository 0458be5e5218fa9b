//! A fresh database for each test, on each engine.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, MySql, MySqlPool, Row as _, SqlitePool};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use user_service::config::DatabaseUrl;
use user_service::data_sources::{
    MySqlAnswerRepository, MySqlBinlogOutboxChangeFeed, MySqlBinlogUsersChangeFeed, MySqlDatabase,
    MySqlOutboxBacklog, MySqlOutboxChangeFeed, MySqlPasswordResetInbox, MySqlSessionRepository,
    MySqlUserRepository, SchemaError, SqliteAnswerRepository, SqliteDatabase, SqliteOutboxBacklog,
    SqliteOutboxChangeFeed, SqlitePasswordResetInbox, SqliteSessionRepository, SqliteUserRepository,
    UuidV7IdGenerator,
};
use user_service::repositories::{
    AnswerRepository, ChangeFeed, IdGenerator, OutboxBacklog, PasswordResetInbox, SessionRepository,
    UserRepository,
};

use super::servers::server;

/// Few tests take longer; one that does is ended, so that its database is dropped.
const LONGEST_TEST: Duration = Duration::from_secs(120);

/// MySQL's command to prepare a statement, whose text follows.
const COM_STMT_PREPARE: u8 = 0x16;

/// As the service has it by default.
const LARGEST_EVENT: usize = 64 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    MariaDb,
    MySql,
}

/// How a feed comes to know of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capture {
    /// It looks at the outbox again and again.
    Polled,
    /// It follows the binary log, and looks at the outbox only for what did not come by it.
    Binlog,
    /// It follows the binary log for rows of the table of users.
    UsersTable,
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
    with_database_for(LONGEST_TEST, engine, test).await;
}

/// As [`with_database`], for a test that may take so long.
pub(crate) async fn with_database_for<F, Fut>(longest: Duration, engine: Engine, test: F)
where
    F: FnOnce(Arc<TestDatabase>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let migrated = async move |database: Arc<TestDatabase>| {
        database.handle.migrate().await.unwrap();
        test(database).await;
    };
    run(longest, engine, migrated).await;
}

/// As [`with_database`], before any migration.
pub(crate) async fn with_empty_database<F, Fut>(engine: Engine, test: F)
where
    F: FnOnce(Arc<TestDatabase>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    run(LONGEST_TEST, engine, test).await;
}

async fn run<F, Fut>(longest: Duration, engine: Engine, test: F)
where
    F: FnOnce(Arc<TestDatabase>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let Some(database) = TestDatabase::create(engine).await else { return };
    let database = Arc::new(database);
    // In a task of its own, so that a panic ends the task and not this function.
    let mut task = tokio::spawn(test(Arc::clone(&database)));
    let outcome = timeout(longest, &mut task).await;
    task.abort();
    database.remove().await;
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(failed)) => resume_unwind(failed.into_panic()),
        Err(_) => panic!("the test took longer than {longest:?}"),
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

/// Passes on what both say, and keeps the statements that the server is to prepare.
async fn overheard(client: TcpStream, server: TcpStream, statements: Arc<Mutex<Vec<String>>>) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let commands = async move {
        let mut header = [0; 4];
        while from_client.read_exact(&mut header).await.is_ok() {
            let [length @ .., number] = header;
            let length = length.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
            let mut packet = vec![0; length];
            from_client.read_exact(&mut packet).await?;
            if let (0, [COM_STMT_PREPARE, sql @ ..]) = (number, &*packet) {
                statements.lock().unwrap().push(String::from_utf8_lossy(sql).into_owned());
            }
            to_server.write_all(&[&header, &*packet].concat()).await?;
        }
        Ok::<_, std::io::Error>(())
    };
    let _ended = tokio::join!(commands, tokio::io::copy(&mut from_server, &mut to_client));
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
        // Generous, because a machine may be busy: only one that is never given back lasts longer.
        let closed = timeout(Duration::from_secs(30), close).await.is_ok();
        if let Place::Server { url, name } = &self.place {
            let options = MySqlConnectOptions::from_str(url).unwrap();
            let mut connection = options.connect().await.unwrap();
            let sql = format!("SET SESSION lock_wait_timeout = 10; DROP DATABASE {name}");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        }
        assert!(closed || std::thread::panicking(), "connections to the database were left in use");
    }

    /// Where a service finds it.
    pub(crate) fn url(&self) -> DatabaseUrl {
        match &self.place {
            Place::File { path, .. } => DatabaseUrl::Sqlite(path.clone()),
            Place::Server { url, .. } => DatabaseUrl::parse(url).unwrap(),
        }
    }

    /// Where it is on its server, and its name there.
    pub(crate) fn on_its_server(&self) -> (&str, &str) {
        let Place::Server { url, name } = &self.place else { panic!("it is a file") };
        (url, name)
    }

    /// Where another user finds it on its server, and its name there.
    pub(crate) fn url_for(&self, user: &str, password: &str) -> (String, &str) {
        let (url, name) = self.on_its_server();
        let (_, address) = url.split_once('@').unwrap();
        (format!("mysql://{user}:{password}@{address}"), name)
    }

    /// The adapters as one process has them.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// This process's pool of connections, on a server.
    pub(crate) fn mysql(&self) -> Option<&MySqlDatabase> {
        match &self.handle {
            Handle::MySql(database) => Some(database),
            Handle::Sqlite(_) => None,
        }
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
        self.process_through(move |client, server| delayed(client, server, latency)).await
    }

    /// The adapters with a single connection, and the statements that they let the server prepare.
    pub(crate) async fn overheard_process(&self) -> (Handle, Arc<Mutex<Vec<String>>>) {
        let statements: Arc<Mutex<Vec<_>>> = Arc::default();
        let kept = Arc::clone(&statements);
        let process =
            self.process_through(move |client, server| overheard(client, server, Arc::clone(&kept))).await;
        (process, statements)
    }

    /// The adapters with a single connection to the server, which goes through that.
    async fn process_through<Fut>(
        &self,
        relay: impl Fn(TcpStream, TcpStream) -> Fut + Send + 'static,
    ) -> Handle
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        let Place::Server { url, name } = &self.place else { panic!("nothing is between us and a file") };
        let options = MySqlConnectOptions::from_str(url).unwrap();
        let server = (options.get_host().to_owned(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (user, _) = url.strip_prefix("mysql://").unwrap().split_once('@').unwrap();
        let url = format!("mysql://{user}@127.0.0.1:{port}/{name}?ssl-mode=disabled");
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server.clone()).await.unwrap();
                tokio::spawn(relay(client, server));
            }
        });
        Handle::MySql(MySqlDatabase::connect_lazy(&url, 1).unwrap())
    }

    /// One connection for statements beside the adapters.
    pub(crate) async fn connection(&self) -> PoolConnection<MySql> {
        match &self.raw {
            Raw::MySql(pool) => pool.acquire().await.unwrap(),
            Raw::Sqlite(_) => panic!("this is for servers"),
        }
    }

    pub(crate) fn users(&self) -> Arc<dyn UserRepository> {
        self.handle.users()
    }

    pub(crate) fn sessions(&self) -> Arc<dyn SessionRepository> {
        self.handle.sessions()
    }

    pub(crate) fn answers(&self) -> Arc<dyn AnswerRepository> {
        self.handle.answers()
    }

    pub(crate) fn reset_inbox(&self) -> Arc<dyn PasswordResetInbox> {
        self.handle.reset_inbox()
    }

    pub(crate) fn backlog(&self) -> Arc<dyn OutboxBacklog> {
        match &self.handle {
            Handle::MySql(database) => Arc::new(MySqlOutboxBacklog::new(database.clone())),
            Handle::Sqlite(database) => Arc::new(SqliteOutboxBacklog::new(database.clone())),
        }
    }

    /// A feed of this process that looks at the outbox so often, beside being woken by commits.
    pub(crate) fn polled_feed(&self, interval: Duration) -> Arc<dyn ChangeFeed> {
        self.feed(&self.handle, Capture::Polled, interval)
    }

    /// A feed of one process, which looks at the outbox so often.
    pub(crate) fn feed(&self, process: &Handle, capture: Capture, interval: Duration) -> Arc<dyn ChangeFeed> {
        match (process, capture, &self.place) {
            (Handle::MySql(database), Capture::Binlog, Place::Server { url, .. }) => {
                Arc::new(MySqlBinlogOutboxChangeFeed::new(database.clone(), url, interval).unwrap())
            }
            (Handle::MySql(database), Capture::UsersTable, Place::Server { url, .. }) => {
                Arc::new(MySqlBinlogUsersChangeFeed::new(database.clone(), url, LARGEST_EVENT).unwrap())
            }
            (Handle::MySql(database), ..) => Arc::new(MySqlOutboxChangeFeed::new(database.clone(), interval)),
            (Handle::Sqlite(database), ..) => {
                Arc::new(SqliteOutboxChangeFeed::new(database.clone(), interval))
            }
        }
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

    /// Ends the connections that read the server's binary log for this database; how many there were. Not by a query of
    /// `information_schema.processlist`, which fails on MySQL while anybody's statement has bytes in it that are no text.
    pub(crate) async fn break_log_readers(&self) -> usize {
        let mut connection = self.connection().await;
        let name = self.texts("SELECT DATABASE()").await.remove(0);
        let processes = sqlx::raw_sql("SHOW PROCESSLIST").fetch_all(&mut *connection).await.unwrap();
        let mut ended = 0;
        for process in processes {
            let command: String = process.get_unchecked("Command");
            let of: Option<String> = process.get_unchecked("db");
            if command.starts_with("Binlog Dump") && of.as_ref() == Some(&name) {
                let id: u64 = process.get_unchecked("Id");
                // It may be gone by itself.
                let _gone =
                    sqlx::raw_sql(AssertSqlSafe(format!("KILL {id}"))).execute(&mut *connection).await;
                ended += 1;
            }
        }
        ended
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

    pub(crate) fn sessions(&self) -> Arc<dyn SessionRepository> {
        match self {
            Self::MySql(database) => Arc::new(MySqlSessionRepository::new(database.clone())),
            Self::Sqlite(database) => Arc::new(SqliteSessionRepository::new(database.clone())),
        }
    }

    pub(crate) fn answers(&self) -> Arc<dyn AnswerRepository> {
        match self {
            Self::MySql(database) => Arc::new(MySqlAnswerRepository::new(database.clone())),
            Self::Sqlite(database) => Arc::new(SqliteAnswerRepository::new(database.clone())),
        }
    }

    pub(crate) fn reset_inbox(&self) -> Arc<dyn PasswordResetInbox> {
        match self {
            Self::MySql(database) => Arc::new(MySqlPasswordResetInbox::new(database.clone())),
            Self::Sqlite(database) => Arc::new(SqlitePasswordResetInbox::new(database.clone())),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::MySql(database) => database.close().await,
            Self::Sqlite(database) => database.close().await,
        }
    }
}
