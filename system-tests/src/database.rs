use std::collections::HashMap;

use shared_kernel::UserId;
use sqlx::mysql::{MySqlConnection, MySqlPool};
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::servers::unique_name;

/// A database of a test's own on a MySQL or MariaDB server. [`drop_it`](Self::drop_it) removes it.
pub struct TestDatabase {
    server: MySqlPool,
    name: String,
    url: String,
}

impl TestDatabase {
    /// Makes an empty database on the server of that URL.
    ///
    /// # Panics
    ///
    /// When the server cannot be reached.
    pub async fn create(server_url: &str, what: &str) -> Self {
        let server = MySqlPool::connect(server_url).await.expect("the test's database server answers");
        let name = unique_name(what);
        server
            .execute(AssertSqlSafe(format!("CREATE DATABASE {name} DEFAULT CHARACTER SET utf8mb4")))
            .await
            .expect("a test may create databases");
        let (address, parameters) = server_url.split_at(server_url.find('?').unwrap_or(server_url.len()));
        let url = format!("{}/{name}{parameters}", address.trim_end_matches('/'));
        Self { server, name, url }
    }

    /// The URL with the database's name.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a statement in it, as any program with a SQL client might.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn execute(&self, statement: &str) {
        let mut connection = MySqlConnection::connect(&self.url).await.expect("the test's database answers");
        connection.execute(AssertSqlSafe(statement.to_owned())).await.expect("the statement can be run");
        connection.close().await.expect("the server says goodbye");
    }

    /// Runs statements in it one after the other, in one session.
    ///
    /// # Panics
    ///
    /// When the server refuses one.
    pub async fn execute_in_one_session(&self, statements: &[&str]) {
        let mut connection = MySqlConnection::connect(&self.url).await.expect("the test's database answers");
        for statement in statements {
            let statement = AssertSqlSafe((*statement).to_owned());
            connection.execute(statement).await.expect("the statement can be run");
        }
        connection.close().await.expect("the server says goodbye");
    }

    /// The text that a query gives.
    ///
    /// # Panics
    ///
    /// When it gives none.
    pub async fn text(&self, query: &str) -> String {
        let mut connection = MySqlConnection::connect(&self.url).await.expect("the test's database answers");
        let query = sqlx::query_scalar(AssertSqlSafe(query.to_owned()));
        query.fetch_one(&mut connection).await.expect("the query gives a text")
    }

    /// The number that a query gives.
    ///
    /// # Panics
    ///
    /// When it gives none.
    pub async fn count(&self, from_and_where: &str) -> i64 {
        let sql = format!("SELECT COUNT(*) FROM {}.{from_and_where}", self.name);
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.server).await.expect("the query counts")
    }

    /// The version that each user has now.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn versions_of_users(&self) -> HashMap<UserId, i64> {
        let sql = format!("SELECT id, version FROM {}.users", self.name);
        let rows: Vec<(Uuid, i64)> =
            sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&self.server).await.expect("the table can be read");
        rows.into_iter().map(|(id, version)| (UserId(id), version)).collect()
    }

    /// Removes it.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    pub async fn drop_it(&self) {
        self.server
            .execute(AssertSqlSafe(format!("DROP DATABASE {}", self.name)))
            .await
            .expect("a test may drop its own database");
    }
}
