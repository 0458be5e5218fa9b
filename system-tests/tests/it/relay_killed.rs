//! A relay that is killed (SIGKILL) at twenty points of its work, between and within reading, publishing and
//! acknowledging, and started again each time, under load: nothing is missing on the topic, a repeat has the id of its
//! first occurrence, first occurrences are in order, and nothing is left.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use kafka_connection::KafkaConnection;
use shared_kernel::{EventId, Locale, UserId, dead_letter_topic};
use system_tests::{KafkaTopic, KillPoint, Moment, Published, Server, Step, TestDatabase, eventually};
use tokio::process::{Child, Command};
use tokio::time::Instant;
use user_service::data_sources::{
    MySqlDatabase, MySqlUserRepository, SystemClock, UuidV7IdGenerator, create_missing_topics,
};
use user_service::entities::{
    self, ChangeStamp, EmailAddress, FieldUpdate, FullName, PasswordHash, Registration, User, UserUpdate,
    Username,
};
use user_service::repositories::{Clock as _, IdGenerator as _, UserRepository};

const SEED: u64 = 97;
const KILLS: usize = 20;
const PEOPLE: usize = 5;
/// How many changes wait for each relay when it starts: more than the steps before the latest point take.
const BACKLOG: usize = 30;
/// So many steps of a kind are begun at most before the one in which the relay dies.
const STEPS: u32 = 8;
const KILLED_WITHIN: Duration = Duration::from_secs(30);
const LIMIT: Duration = Duration::from_secs(60);
/// SIGKILL.
const KILL: i32 = 9;

/// Every kind of point, and which of each is up to the seed.
fn points() -> Vec<KillPoint> {
    let mut random = fastrand::Rng::with_seed(SEED);
    let kinds = [Step::Read, Step::Publish, Step::Acknowledge].into_iter().flat_map(|step| {
        [Moment::Before, Moment::During(0), Moment::Halfway, Moment::After].map(|moment| (step, moment))
    });
    let kinds: Vec<_> = kinds.filter(|kind| *kind != (Step::Read, Moment::Halfway)).collect();
    let mut points: Vec<_> = kinds
        .iter()
        .cycle()
        .take(KILLS)
        .map(|(step, moment)| {
            let moment = match moment {
                Moment::During(_) => Moment::During(random.u32(1..4)),
                other => *other,
            };
            KillPoint { step: *step, moment, begun_before: random.u32(0..STEPS) }
        })
        .collect();
    random.shuffle(&mut points);
    points
}

/// Accounts that are changed one after the other.
struct Accounts {
    users: Arc<dyn UserRepository>,
    people: Vec<UserId>,
    changes: usize,
}

impl Accounts {
    async fn register(users: Arc<dyn UserRepository>) -> Self {
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            let registration = Registration {
                username: Username::parse(&format!("user{number}")).unwrap(),
                email: EmailAddress::parse(&format!("user{number}@example.org")).unwrap(),
                full_name: None,
                date_of_birth: None,
                address: None,
                locale: Locale::En,
            };
            let id = UserId(UuidV7IdGenerator.next_id());
            let user = User::register(registration, PasswordHash::new("-".to_owned()), id, stamp());
            let mut transaction = users.begin().await.unwrap();
            transaction.insert(&user).await.unwrap();
            transaction.append(&entities::registered(&user, None)).await.unwrap();
            transaction.commit().await.unwrap();
            people.push(id);
        }
        Self { users, people, changes: PEOPLE }
    }

    async fn change_one(&mut self) {
        let id = self.people[self.changes % PEOPLE];
        let name = FullName::parse(&format!("Name {}", self.changes)).unwrap();
        let update = UserUpdate { full_name: FieldUpdate::Set(Some(name)), ..UserUpdate::default() };
        let mut transaction = self.users.begin().await.unwrap();
        let before = transaction.lock(id).await.unwrap().unwrap();
        let after = before.updated(update, stamp()).unwrap();
        transaction.update(&after).await.unwrap();
        transaction.append(&entities::updated(&before, &after, None)).await.unwrap();
        transaction.commit().await.unwrap();
        self.changes += 1;
    }
}

fn stamp() -> ChangeStamp {
    ChangeStamp { event_id: EventId(UuidV7IdGenerator.next_id()), at: SystemClock.now() }
}

struct Relays {
    url: String,
    capture: &'static str,
    brokers: String,
    topic: String,
}

impl Relays {
    fn start(&self, point: Option<KillPoint>) -> Child {
        Command::new(env!("CARGO_BIN_EXE_killed_relay"))
            .args([&self.url, self.capture, &self.brokers, &self.topic])
            .args(point.map(|point| point.to_string()))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// Starts one and goes on changing accounts until it is dead.
    async fn killed_at(&self, point: KillPoint, accounts: &mut Accounts) {
        for _ in 0..BACKLOG {
            accounts.change_one().await;
        }
        let mut relay = self.start(Some(point));
        let deadline = Instant::now() + KILLED_WITHIN;
        let status = loop {
            if let Some(status) = relay.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not come to this point: {point}");
            accounts.change_one().await;
        };
        assert_eq!(status.signal(), Some(KILL), "{point}: {status}");
    }
}

async fn killed_at_twenty_points(server: Server, capture: &'static str) {
    let (Some(server), Some(brokers)) = (server.address(), Server::Kafka.address()) else { return };
    let database = TestDatabase::create(&server, "killed_relay").await;
    let topic = KafkaTopic::named(&brokers, "killed_relay");
    create_missing_topics(
        &KafkaConnection::in_the_clear(&brokers),
        &[topic.name(), &dead_letter_topic(topic.name())],
    )
    .await
    .unwrap();
    let adapters = MySqlDatabase::connect_lazy(database.url(), 2).unwrap();
    adapters.migrate().await.unwrap();
    let mut accounts = Accounts::register(Arc::new(MySqlUserRepository::new(adapters.clone()))).await;
    let (url, topic_name) = (database.url().to_owned(), topic.name().to_owned());
    let relays = Relays { url, capture, brokers, topic: topic_name };

    for point in points() {
        relays.killed_at(point, &mut accounts).await;
    }
    let survivor = relays.start(None);
    eventually("the outbox is empty", LIMIT, || async { database.count("outbox").await == 0 }).await;
    drop(survivor);

    let published = Published::of(&topic.records());
    println!("seed {SEED}: {} changes, {} repeats", accounts.changes, published.repeats);
    published.is_every_version_in_order(&database.versions_of_users().await);
    assert_eq!(published.events().count(), accounts.changes);
    assert!(published.repeats > 0, "who is killed between publishing and acknowledging repeats");
    assert_eq!(database.count("deadOutbox").await, 0);
    adapters.close().await;
    topic.delete().await;
    database.drop_it().await;
}

macro_rules! tests {
    ($($name:ident: $capture:literal on $server:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            killed_at_twenty_points(Server::$server, $capture).await;
        }
    )*};
}

tests! {
    outbox_binlog_on_mysql: "outbox-binlog" on MySql,
    outbox_binlog_on_mariadb: "outbox-binlog" on MariaDb,
    users_table_on_mysql: "users-table" on MySql,
    users_table_on_mariadb: "users-table" on MariaDb,
    outbox_polled_on_mysql: "outbox-polled" on MySql,
    outbox_polled_on_mariadb: "outbox-polled" on MariaDb,
}
