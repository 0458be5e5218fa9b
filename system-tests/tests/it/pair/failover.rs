//! MySQL's primary is killed under load and its replica promoted: the services and the relay follow by themselves, and
//! what the replica has is told whole and in order.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use shared_kernel::{EventId, UserId};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use system_tests::{Forwarder, OwnServer, Published, Replica, Server, SteadyLoad, updates_by_reader};
use uuid::Uuid;

use super::deployment::{Deployment, Servers};
use super::told::{everything_is_published, nothing_is_left, updates_by_address};

/// How many updates are answered while all goes well, until somebody is behind, and in all; and after how many the
/// primary is killed.
const AT_FIRST: usize = 60;
const UNTIL_BEHIND: usize = 90;
const BEFORE_THE_KILL: usize = 100;
const UPDATES: usize = 180;
const LIMIT: Duration = Duration::from_secs(90);

/// Who is the last to have the changes when the primary is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// The relay has published what the replica does not have: it is lost to MySQL, and numbers of the outbox are given
    /// again.
    Replica,
    /// The replica has what the relay has not published.
    Relay,
}

/// What was committed to the outbox, which forgets what is published. The log takes it to the replica with the change.
const KEEP_WHAT_IS_COMMITTED: [&str; 2] = [
    "CREATE TABLE committed (seq BIGINT NOT NULL, id BINARY(16) NOT NULL PRIMARY KEY, userId BINARY(16) NOT NULL)",
    "CREATE TRIGGER keep_committed AFTER INSERT ON outbox FOR EACH ROW INSERT INTO committed VALUES (NEW.seq, NEW.id, NEW.userId)",
];

/// The ids of each user's committed events, in the order of their commits, in the database of that URL.
async fn committed(url: &str) -> HashMap<UserId, Vec<EventId>> {
    let mut connection = MySqlConnection::connect(url).await.unwrap();
    let sql = AssertSqlSafe("SELECT userId, id FROM committed ORDER BY seq");
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap();
    let mut events: HashMap<_, Vec<_>> = HashMap::new();
    for (user, id) in rows {
        events.entry(UserId(user)).or_default().push(EventId(id));
    }
    events
}

/// Each user's events that the database has are on the topic in the order of their commits. Returns what is there
/// beside them.
fn has_all_in_order(published: &Published, committed: &HashMap<UserId, Vec<EventId>>) -> HashSet<EventId> {
    let mut others = HashSet::new();
    for (user, expected) in committed {
        let ids = published.first_occurrences(*user).iter().map(|event| event.metadata.id);
        let (told, other): (Vec<_>, Vec<_>) = ids.partition(|id| expected.contains(id));
        assert_eq!(told, *expected, "the events of {user}");
        others.extend(other);
    }
    others
}

/// Leaves one of them behind, while the other has everything.
async fn leave_behind(
    behind: Behind,
    deployment: &Deployment,
    primary: &OwnServer,
    replica: &Replica,
    load: &SteadyLoad,
) {
    match behind {
        Behind::Replica => {
            replica.has_all_of(primary).await;
            replica.fall_behind().await;
        }
        Behind::Relay => deployment.process("relay").freeze(LIMIT).await,
    }
    load.allow(UNTIL_BEHIND - AT_FIRST);
    load.answered(UNTIL_BEHIND, LIMIT).await;
    match behind {
        Behind::Replica => everything_is_published(deployment, LIMIT).await,
        Behind::Relay => replica.has_all_of(primary).await,
    }
}

async fn misses_nothing_that_the_replica_has(behind: Behind, capture: &str) {
    let (Some(mysql), Some(brokers)) = (Server::MySql.address(), Server::Kafka.address()) else { return };
    let Some(mut primary) = OwnServer::mysql(&["--server-id=11"]).await else { return };
    let Some(replica) = Replica::of(&primary).await else { return };
    let forwarder = Forwarder::start(primary.port()).await;
    let userdata = format!("mysql://root@127.0.0.1:{}", forwarder.port());
    let servers = Servers { userdata, notifier: mysql, brokers };
    let deployment = Deployment::start_on("failover", servers, &[("USER_SERVICE_CAPTURE", capture)]).await;
    for statement in KEEP_WHAT_IS_COMMITTED {
        deployment.userdata.execute(statement).await;
    }
    let load = SteadyLoad::start(&deployment.users).await;
    load.allow(AT_FIRST);
    load.answered(AT_FIRST, LIMIT).await;
    leave_behind(behind, &deployment, &primary, &replica, &load).await;

    load.allow(UPDATES - UNTIL_BEHIND);
    load.answered(BEFORE_THE_KILL, LIMIT).await;
    primary.kill();
    replica.promote().await;
    forwarder.point_to(replica.port());
    if behind == Behind::Relay {
        let unpublished = deployment.userdata.count("outbox").await;
        assert!(
            unpublished >= i64::try_from(UNTIL_BEHIND - AT_FIRST).unwrap(),
            "{unpublished} on the replica"
        );
        deployment.process("relay").thaw();
    }
    load.answered(UPDATES, LIMIT).await;
    load.end().await;

    nothing_is_left(&deployment, LIMIT).await;
    let published = Published::of(&deployment.topic.records());
    let lost = has_all_in_order(&published, &committed(deployment.userdata.url()).await);
    // What is on the topic and not in the database is what the primary took with it.
    primary.start_again().await;
    let on_primary = committed(&format!("{}/{}", primary.address(), deployment.userdata.name())).await;
    let on_primary: HashSet<_> = on_primary.into_values().flatten().collect();
    assert!(lost.is_subset(&on_primary), "never committed: {:?}", lost.difference(&on_primary));
    assert!(
        behind == Behind::Relay || lost.len() >= UNTIL_BEHIND - AT_FIRST,
        "{} are lost to MySQL",
        lost.len()
    );
    let (events, repeats) = (published.events().count(), published.repeats);
    println!(
        "{capture}, {behind:?} behind: {events} events, {} of them lost to MySQL, {repeats} repeats",
        lost.len()
    );

    let told = updates_by_address(&published);
    assert_eq!(updates_by_reader(&deployment.sink.mails().await), told, "what the mails tell of");
    deployment.stop().await;
}

macro_rules! tests {
    ($($name:ident: $behind:ident by $capture:literal),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            misses_nothing_that_the_replica_has(Behind::$behind, $capture).await;
        }
    )*};
}

// The outbox says itself what is missing; from the table of users the relay goes on by GTIDs.
tests! {
    the_outbox_on_a_replica_that_lacks_what_was_published: Replica by "outbox-binlog",
    the_outbox_on_a_replica_that_has_what_was_not_published: Relay by "outbox-binlog",
    the_users_on_a_replica_that_lacks_what_was_published: Replica by "users-table",
    the_users_on_a_replica_that_has_what_was_not_published: Relay by "users-table",
}
