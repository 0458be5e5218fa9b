//! Two notifiers share the work while members join and leave their group, and one of them is stopped (SIGSTOP) for
//! longer than its leases.

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;

use chrono::DateTime;
use notifier_service::entities::{NotificationId, NotificationKind, Recipient};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use shared_kernel::{
    AccountStatus, ChangeSource, EventId, EventMetadata, EventType, Locale, Op, UserChange, UserEvent,
    UserField, UserId, UserSnapshot, encode,
};
use system_tests::{
    Gate, GatedSink, KafkaTopic, Server, ServiceProcess, TestDatabase, eventually, run_to_end,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::interval;
use uuid::Uuid;

const USERS: u128 = 50;
const LIMIT: Duration = Duration::from_secs(180);
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// A batch of events so often: rebalances meet a topic that is being written to.
const BATCH: Duration = Duration::from_millis(200);
const EVENTS_PER_BATCH: usize = 30;
/// A guest is away from the group for that long. Longer than it takes the others to notice (their heartbeat, three
/// seconds), or its partitions would wait for it and nobody else would ever read them.
const GUEST_PAUSE: Duration = Duration::from_secs(4);
/// How many mails a notifier sends at once, by default.
const SIDE_BY_SIDE: usize = 32;

/// The address that the `number`th event's mail goes to: each user has two, in turns.
fn address(number: u128) -> String {
    format!("user{}@{}.example", number % USERS, if (number / USERS).is_multiple_of(2) { "a" } else { "b" })
}

/// The `number`th event: an update of a user at one of two addresses.
fn event(number: u128) -> UserEvent {
    let id = UserId(Uuid::from_u128(number % USERS));
    let snapshot = UserSnapshot {
        id,
        username: format!("user{}", number % USERS),
        email: address(number),
        pending_email: None,
        full_name: None,
        status: AccountStatus::Confirmed,
        locale: Locale::En,
    };
    UserEvent {
        metadata: EventMetadata {
            id: EventId(Uuid::from_u128(number)),
            event_type: EventType::Updated,
            time: DateTime::UNIX_EPOCH,
            subject: id,
            traceparent: None,
        },
        change: UserChange {
            op: Some(Op::Update),
            before: Some(snapshot.clone()),
            after: Some(snapshot),
            changed: vec![UserField::FullName],
            version: 2,
            security_version: 1,
            source: ChangeSource::outbox(0),
            ts_ms: 0,
        },
    }
}

fn mail_of(number: u128) -> NotificationId {
    let recipient = Recipient::new(address(number));
    NotificationId::derive(EventId(Uuid::from_u128(number)), NotificationKind::Updated, &recipient)
}

struct Pair {
    events: usize,
    topic: KafkaTopic,
    ledger: TestDatabase,
    sinks: [GatedSink; 2],
    notifiers: [ServiceProcess; 2],
    brokers: String,
    _folder: TempDir,
}

impl Pair {
    /// Two notifiers on one ledger and in one group, each with its own way into one mailbox.
    async fn start(what: &str, events: usize) -> Option<Self> {
        let (mysql, brokers) = (Server::MySql.address()?, Server::Kafka.address()?);
        let topic = KafkaTopic::named(&brokers, what);
        topic.create().await;
        let ledger = TestDatabase::create(&mysql, what).await;
        let first = GatedSink::start().await;
        let sinks = [first.start_beside().await, first];
        let folder = tempfile::tempdir().unwrap();
        let broker_url = format!("kafka://{brokers}");
        let variables = |sink: &GatedSink| {
            [
                ("NOTIFIER_DATABASE_URL", ledger.url().to_owned()),
                ("NOTIFIER_BROKER_URL", broker_url.clone()),
                ("NOTIFIER_TOPIC", topic.name().to_owned()),
                ("NOTIFIER_CONSUMER_GROUP", topic.name().to_owned()),
                ("NOTIFIER_SMTP_URL", sink.url().to_owned()),
                ("NOTIFIER_MAIL_FROM", "accounts@inf-user.example".to_owned()),
                ("NOTIFIER_PUBLIC_URL", "https://accounts.inf-user.example".to_owned()),
                ("NOTIFIER_ACTION_TOKEN_KEY", "0123456789abcdef".repeat(4)),
                ("NOTIFIER_SMTP_TIMEOUT_SECONDS", "10".to_owned()),
                ("NOTIFIER_LEASE_SECONDS", "16".to_owned()),
                // So that the load lasts for several rebalances.
                ("NOTIFIER_SEND_RATE", "60".to_owned()),
            ]
        };
        let start = |place: usize, sink: &GatedSink| {
            let variables = variables(sink);
            let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
            if place == 0 {
                run_to_end("notifier-service", "migrate", &variables[..1]);
            }
            let name = format!("notifier-{place}");
            ServiceProcess::start(folder.path(), &name, "notifier-service", "run", &variables)
        };
        let notifiers = [start(0, &sinks[0]), start(1, &sinks[1])];
        Some(Self { events, topic, ledger, sinks, notifiers, brokers, _folder: folder })
    }

    /// Puts the events on the topic, a batch at a time.
    fn write_events(&self) -> JoinHandle<()> {
        let producer: FutureProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("partitioner", "murmur2_random")
            .create()
            .unwrap();
        let (topic, events) = (self.topic.name().to_owned(), self.events);
        tokio::spawn(async move {
            let mut ticks = interval(BATCH);
            for batch in (1..=events).collect::<Vec<_>>().chunks(EVENTS_PER_BATCH) {
                ticks.tick().await;
                for number in batch {
                    let record = encode(&event(*number as u128));
                    let headers = record.headers.iter().fold(
                        rdkafka::message::OwnedHeaders::new(),
                        |headers, (key, value)| {
                            headers.insert(rdkafka::message::Header { key, value: Some(value) })
                        },
                    );
                    let record =
                        FutureRecord::to(&topic).key(&record.key).payload(&record.value).headers(headers);
                    // Delivered in order; the flush below waits for it.
                    drop(producer.send_result(record).unwrap());
                }
            }
            tokio::task::spawn_blocking(move || producer.flush(LIMIT).unwrap()).await.unwrap();
        })
    }

    async fn mails(&self, count: usize) {
        eventually(&format!("{count} mails"), LIMIT, || async { self.sinks[0].mailbox().len() >= count })
            .await;
    }

    /// Stops the first notifier while its mails are held at that gate, and lets it go on when the other one has
    /// sent everything.
    async fn stop_one_at(&self, gate: Gate) {
        let [sink, _] = &self.sinks;
        let [stopped, _] = &self.notifiers;
        sink.close(gate);
        eventually("a mail is held", LIMIT, || async { sink.held() > 0 }).await;
        if gate == Gate::BeforeMessage {
            eventually("nothing is in transit", LIMIT, || async { sink.in_transit() == 0 }).await;
            eventually("all that was accepted is recorded", LIMIT, || self.is_recorded(sink)).await;
        }
        stopped.freeze(LIMIT).await;
        sink.open();
        eventually("the other one sends everything", LIMIT, || async {
            let sent = self.ledger.count("notifications WHERE state = 'sent'").await;
            sent == i64::try_from(self.events).unwrap()
        })
        .await;
        stopped.thaw();
    }

    async fn is_recorded(&self, sink: &GatedSink) -> bool {
        let accepted = sink.accepted();
        // More than can be under way at once.
        let last = accepted.iter().rev().take(200).map(|mail| {
            let id: Uuid = mail.message_id.split('@').next().unwrap().parse().unwrap();
            format!("X'{}'", id.simple())
        });
        let ids: Vec<_> = last.collect();
        let queued = format!("notifications WHERE state = 'queued' AND id IN ({})", ids.join(","));
        self.ledger.count(&queued).await == 0
    }

    /// How often each event's mail arrived; checks that those of one user to one address came in order.
    fn arrivals(&self) -> BTreeMap<u128, usize> {
        let numbers: HashMap<_, _> = (1..=self.events as u128)
            .map(|number| (format!("{}@inf-user.example", mail_of(number)), number))
            .collect();
        let mut arrivals: BTreeMap<u128, usize> = BTreeMap::new();
        let mut last: HashMap<String, u128> = HashMap::new();
        for mail in self.sinks[0].mailbox() {
            let number = numbers[&mail.message_id];
            assert_eq!(mail.to, address(number));
            let count = arrivals.entry(number).or_default();
            *count += 1;
            if *count == 1 {
                let before = last.insert(mail.to, number);
                assert!(before.is_none_or(|before| before < number), "{number} came after {before:?}");
            }
        }
        assert_eq!(arrivals.len(), self.events);
        arrivals
    }

    /// What each sink and notifier knows of an event's mail.
    fn all_about(&self, number: u128) -> String {
        let id = mail_of(number).to_string();
        let known = self.sinks.iter().zip(&self.notifiers).map(|(sink, notifier)| {
            let accepted = sink.accepted().iter().filter(|mail| mail.message_id.starts_with(&id)).count();
            let log = notifier.log_so_far();
            let lines: Vec<_> = log.lines().filter(|line| line.contains(&id)).collect();
            format!("accepted {accepted} times; {}", lines.join("\n"))
        });
        known.collect::<Vec<_>>().join("\n")
    }

    async fn stop(self) {
        for notifier in self.notifiers {
            notifier.stop(STOP_LIMIT).await;
        }
        self.topic.delete().await;
        self.ledger.drop_it().await;
    }
}

/// Somebody who joins the group every few seconds, and leaves as soon as it has partitions: each time they are
/// shared out anew, twice.
struct Guest {
    leave: Sender<()>,
    visits: JoinHandle<usize>,
}

impl Guest {
    fn of(pair: &Pair) -> Self {
        let (leave, told_to_leave) = channel();
        let (brokers, topic) = (pair.brokers.clone(), pair.topic.name().to_owned());
        let visits = tokio::task::spawn_blocking(move || {
            let mut visits = 0;
            // The others get its partitions back meanwhile, and read what it did.
            while told_to_leave.recv_timeout(GUEST_PAUSE) == Err(RecvTimeoutError::Timeout) {
                visits += usize::from(visit(&brokers, &topic, &told_to_leave));
            }
            visits
        });
        Self { leave, visits }
    }

    async fn leave(self) -> usize {
        drop(self.leave);
        self.visits.await.unwrap()
    }
}

/// Whether it was given partitions before it was told to leave.
fn visit(brokers: &str, topic: &str, told_to_leave: &Receiver<()>) -> bool {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", topic)
        .set("enable.auto.commit", "false")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .create()
        .unwrap();
    consumer.subscribe(&[topic]).unwrap();
    loop {
        drop(consumer.poll(Duration::from_millis(50)));
        if consumer.assignment().is_ok_and(|partitions| partitions.count() > 0) {
            return true;
        }
        if told_to_leave.try_recv() == Err(TryRecvError::Disconnected) {
            return false;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mail_goes_out_once_and_in_order_through_rebalances_and_a_stop_past_the_lease() {
    let Some(pair) = Pair::start("two_notifiers", 5000).await else { return };
    let writing = pair.write_events();
    let guest = Guest::of(&pair);
    pair.mails(3500).await;
    pair.stop_one_at(Gate::BeforeMessage).await;
    pair.notifiers[0].logged("left to another worker", LIMIT).await;
    writing.await.unwrap();
    let visits = guest.leave().await;
    assert!(visits >= 3, "only {visits} rebalances");
    eventually("the topic is read", LIMIT, || async { pair.topic.lag(pair.topic.name()) == Some(0) }).await;
    let arrivals = pair.arrivals();
    let several: Vec<_> = arrivals.iter().filter(|(_, count)| **count != 1).collect();
    let told: Vec<_> = several.iter().map(|(number, _)| pair.all_about(**number)).collect();
    assert!(several.is_empty(), "{several:?}\n{}", told.join("\n"));
    assert!(pair.sinks.iter().all(|sink| sink.accepted().len() > 500), "both share the work");
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_between_acceptance_and_record_sends_a_mail_twice_at_most_with_one_message_id() {
    let Some(pair) = Pair::start("stopped_in_between", 1000).await else { return };
    let writing = pair.write_events();
    pair.mails(300).await;
    pair.stop_one_at(Gate::AfterAcceptance).await;
    // Whether it still reads the answer or takes its time for over, the mail is another's.
    let notices = ["the outcome is not recorded", "left to another worker"];
    eventually("it notices", LIMIT, || async {
        let log = pair.notifiers[0].log_so_far();
        notices.iter().any(|notice| log.contains(notice))
    })
    .await;
    writing.await.unwrap();
    let arrivals = pair.arrivals();
    let twice = arrivals.values().filter(|count| **count == 2).count();
    assert!(arrivals.values().all(|count| *count <= 2), "{arrivals:?}");
    assert!((1..=SIDE_BY_SIDE).contains(&twice), "{twice}");
    pair.stop().await;
}
