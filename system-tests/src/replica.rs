use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Connection, Row};

use crate::own_server::OwnServer;

/// How long the replica may take to apply what it has; generous, because a machine may be busy with other tests.
const APPLIED_WITHIN_SECONDS: u32 = 30;

/// A MySQL 9 of a test's own that replicates another one by GTID, read-only until it is promoted.
pub struct Replica(OwnServer);

impl Replica {
    /// Starts one that replicates `primary`. `None` when it cannot be had.
    ///
    /// # Panics
    ///
    /// When it does not start, or one of them refuses.
    pub async fn of(primary: &OwnServer) -> Option<Self> {
        let server = OwnServer::mysql(&["--server-id=12", "--relay-log=relay"]).await?;
        let replica = Self(server);
        let source = format!(
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {}, SOURCE_USER = 'root', \
             SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1",
            primary.port()
        );
        replica.run(&["SET GLOBAL super_read_only = ON", &source, "START REPLICA"]).await;
        Some(replica)
    }

    /// The port of 127.0.0.1 that it listens at.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// Waits until it has everything that is committed on `primary` now.
    ///
    /// # Panics
    ///
    /// When it does not come to that.
    pub async fn has_all_of(&self, primary: &OwnServer) {
        let row = query(primary, "SELECT @@GLOBAL.gtid_executed").await;
        self.applied(&row.get::<String, _>(0)).await;
    }

    /// Lets it receive nothing more from its primary.
    ///
    /// # Panics
    ///
    /// When it refuses.
    pub async fn fall_behind(&self) {
        self.run(&["STOP REPLICA IO_THREAD"]).await;
    }

    /// Makes it the primary, with everything that it has received.
    ///
    /// # Panics
    ///
    /// When it refuses.
    pub async fn promote(&self) {
        self.fall_behind().await;
        let received: String = query(&self.0, "SHOW REPLICA STATUS").await.get("Retrieved_Gtid_Set");
        self.applied(&received).await;
        let promotion = [
            "STOP REPLICA",
            "RESET REPLICA ALL",
            "SET GLOBAL super_read_only = OFF",
            "SET GLOBAL read_only = OFF",
        ];
        self.run(&promotion).await;
    }

    /// Waits until those transactions are applied.
    async fn applied(&self, transactions: &str) {
        let wait = format!("SELECT WAIT_FOR_EXECUTED_GTID_SET('{transactions}', {APPLIED_WITHIN_SECONDS})");
        let timed_out: i64 = query(&self.0, &wait).await.get(0);
        let status = query(&self.0, "SHOW REPLICA STATUS").await;
        let errors = ["Last_IO_Error", "Last_SQL_Error"].map(|column| status.get::<String, _>(column));
        assert_eq!(timed_out, 0, "the replica did not apply {transactions}: {errors:?}");
    }

    async fn run(&self, statements: &[&str]) {
        let mut connection = connect(&self.0).await;
        for statement in statements {
            sqlx::raw_sql(AssertSqlSafe((*statement).to_owned()))
                .execute(&mut connection)
                .await
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }
}

async fn query(server: &OwnServer, sql: &str) -> MySqlRow {
    let mut connection = connect(server).await;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .fetch_one(&mut connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

async fn connect(server: &OwnServer) -> MySqlConnection {
    MySqlConnection::connect(&server.address()).await.expect("the server is there")
}
