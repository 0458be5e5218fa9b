//! A position in the log that is of no use any more stops the relay, which says what was missed; and it goes on when the
//! operator has decided so. On a MySQL of the test's own, whose log is purged.

use system_tests::{OwnServer, ServiceProcess, TestDatabase, eventually, run_to_end};
use tempfile::TempDir;

use super::world::LIMIT;

/// A database on a server of its own, and where relays publish to.
struct Place {
    database: TestDatabase,
    folder: TempDir,
    starts: std::cell::Cell<usize>,
    _server: OwnServer,
}

impl Place {
    async fn on(options: &[&str]) -> Option<Self> {
        let server = OwnServer::mysql(options).await?;
        let database = TestDatabase::create(&server.address(), "userdata").await;
        let folder = tempfile::tempdir().unwrap();
        let place = Self { database, folder, starts: std::cell::Cell::default(), _server: server };
        place.run("migrate");
        Some(place)
    }

    fn with_variables<T>(&self, run: impl FnOnce(&[(&str, &str)]) -> T) -> T {
        let broker = format!("table://{}", self.folder.path().join("broker.db").display());
        let database = ("USER_SERVICE_DATABASE_URL", self.database.url());
        run(&[database, ("USER_SERVICE_BROKER_URL", &broker), ("USER_SERVICE_CAPTURE", "users-table")])
    }

    fn run(&self, command: &str) {
        self.with_variables(|variables| run_to_end("user-service", command, variables));
    }

    fn relay(&self) -> ServiceProcess {
        self.starts.set(self.starts.get() + 1);
        let log = format!("relay-{}", self.starts.get());
        self.with_variables(|variables| {
            ServiceProcess::start(self.folder.path(), &log, "user-service", "relay", variables)
        })
    }

    /// What a relay says that cannot start.
    async fn refusal(&self) -> String {
        self.relay().logged("user-service: ", LIMIT).await
    }

    /// Runs a relay until it has published a change that is made now.
    async fn relays(&self) {
        let relay = self.relay();
        relay.logged("following the binary log", LIMIT).await;
        let change = "INSERT INTO users (id, username, email, password) \
                      SELECT UUID_TO_BIN(UUID()), name, CONCAT(name, '@sql.example'), 'a' FROM (SELECT UUID() AS name) AS one";
        let place = || async {
            self.database.text("SELECT CONCAT_WS(' ', gtids, file, fileOffset) FROM relayPosition").await
        };
        let before = place().await;
        self.database.execute(change).await;
        eventually("the position has moved", LIMIT, || async { place().await != before }).await;
        relay.stop(LIMIT).await;
    }

    /// Makes a change that nobody reads, and purges the log that has it.
    async fn purge(&self) -> String {
        self.database.execute("UPDATE users SET fullName = 'missed'").await;
        self.database.execute("FLUSH BINARY LOGS").await;
        let file = self.database.text("SELECT file FROM relayPosition").await;
        let number: u32 = file.rsplit('.').next().unwrap().parse().unwrap();
        self.database.execute(&format!("PURGE BINARY LOGS TO 'binlog.{:06}'", number + 1)).await;
        file
    }
}

const FIX: &str = "user-service forget-relay-position";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_gtids_it_says_which_transactions_were_purged() {
    let Some(place) = Place::on(&["--server-id=31"]).await else { return };
    place.relays().await;
    place.relays().await;
    let gtids = place.database.text("SELECT @@GLOBAL.gtid_executed").await;
    let uuid = gtids.split(':').next().unwrap().to_owned();
    place.purge().await;
    let said = place.refusal().await;
    assert!(said.contains(&format!("missed were the transactions {uuid}:")) && said.contains(FIX), "{said}");
    // However often it is tried.
    assert!(place.refusal().await.contains(FIX));
    place.run("forget-relay-position");
    place.relays().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_gtids_it_says_from_where_on_and_knows_another_server() {
    let off = ["--gtid-mode=OFF", "--enforce-gtid-consistency=OFF", "--server-id=32"];
    let Some(place) = Place::on(&off).await else { return };
    place.relays().await;
    // What is read in one file is gone on from in another.
    place.database.execute("FLUSH BINARY LOGS").await;
    place.relays().await;
    let file = place.purge().await;
    let said = place.refusal().await;
    assert!(
        said.contains(&format!("missed were the file {file} from offset ")) && said.contains(FIX),
        "{said}"
    );
    place.run("forget-relay-position");
    place.relays().await;

    place.database.execute("UPDATE relayPosition SET serverUuid = UUID()").await;
    let said = place.refusal().await;
    assert!(said.contains("it is of another server") && said.contains(FIX), "{said}");
    place.run("forget-relay-position");
    place.relays().await;

    // With GTIDs from now on, it takes them up from the next file on.
    for mode in ["OFF_PERMISSIVE", "ON_PERMISSIVE"] {
        place.database.execute(&format!("SET GLOBAL gtid_mode = {mode}")).await;
    }
    // As replicas do, it passes the last transaction without one before the server asks for them.
    place.relays().await;
    place.database.execute("SET GLOBAL enforce_gtid_consistency = ON").await;
    place.database.execute("SET GLOBAL gtid_mode = ON").await;
    place.relays().await;
    place.database.execute("FLUSH BINARY LOGS").await;
    place.relays().await;
    let gtids = place.database.text("SELECT COALESCE(gtids, '') FROM relayPosition").await;
    assert!(gtids.contains(":1-"), "{gtids:?}");
    place.relays().await;
}
