//! What [`EventConsumer`] promises, run against every consumer.

use kafka_connection::KafkaConnection;
use notifier_service::data_sources::{KafkaDeadLetters, TableBrokerDeadLetters};
use notifier_service::entities::ReceivedRecord;
use notifier_service::interactors::RecordUserEvents;
use notifier_service::repositories::{DeadLetters, NotificationLedger};
use notifier_service::transport::{EventConsumer, TableBrokerConsumer, Wake, consume_loop};
use shared_kernel::{CDC_TOPIC, WireRecord, dead_letter_header, dead_letter_topic};
use std::sync::Arc;
use table_broker::{NewRecord, TableBroker};
use telemetry::Tracer;
use tokio_util::sync::CancellationToken;

use crate::kafka_consumer::MockKafka;
use crate::support::counters;
use crate::support::events::{junk, record};
use crate::support::eventually;
use crate::support::fakes::SteppedClock;
use crate::support::in_memory_ledger::InMemoryLedger;

/// A broker with the two topics, of one partition each.
pub(crate) enum Broker {
    Kafka(MockKafka),
    Table(
        TableBroker,
        #[expect(dead_code, reason = "the folder is removed when this is dropped")] tempfile::TempDir,
    ),
}

impl Broker {
    fn kafka() -> Self {
        Self::Kafka(MockKafka::start())
    }

    async fn table() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broker = TableBroker::open_sqlite(&folder.path().join("broker.db")).await.unwrap();
        for topic in [CDC_TOPIC, &dead_letter_topic(CDC_TOPIC)] {
            broker.create_topic(topic, 1).await.unwrap();
        }
        Self::Table(broker, folder)
    }

    pub(crate) async fn append(&self, record: WireRecord) {
        match self {
            Self::Kafka(kafka) => kafka.append(&record).await,
            Self::Table(broker, _) => {
                let WireRecord { key, value, headers } = record;
                broker.append(CDC_TOPIC, &[NewRecord { key, value, headers }]).await.map(drop).unwrap();
            }
        }
    }

    pub(crate) fn consumer(&self, topic: &str) -> Box<dyn EventConsumer> {
        match self {
            Self::Kafka(kafka) => Box::new(kafka.consumer("group", topic)),
            Self::Table(broker, _) => Box::new(TableBrokerConsumer::new(broker, "group", topic)),
        }
    }

    fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        match self {
            Self::Kafka(kafka) => {
                Arc::new(KafkaDeadLetters::new(&KafkaConnection::in_the_clear(&kafka.brokers())).unwrap())
            }
            Self::Table(broker, _) => Arc::new(TableBrokerDeadLetters::new(broker.clone())),
        }
    }
}

/// Reads until that many records came.
pub(crate) async fn read(consumer: &mut dyn EventConsumer, count: usize) -> Vec<ReceivedRecord> {
    let mut records = Vec::new();
    while records.len() < count {
        let next = tokio::time::timeout(crate::support::DEADLINE, consumer.next_batch());
        // The broker may not be ready yet; the consumer says so and goes on.
        records.extend(next.await.expect("records in time").unwrap_or_default());
    }
    records
}

macro_rules! contract {
    ($($test:ident)*) => {
        mod on_kafka {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Broker::kafka()).await;
            })*
        }
        mod on_table_broker {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Broker::table().await).await;
            })*
        }
    };
}

contract! {
    records_come_in_order_with_key_value_and_headers
    what_was_not_committed_comes_again
    what_was_committed_does_not_come_again
    a_poison_record_goes_to_the_dead_letters_and_the_consumer_goes_on
    a_batch_waits_for_the_ledger_and_is_not_lost_at_shutdown
}

async fn records_come_in_order_with_key_value_and_headers(broker: Broker) {
    let sent: Vec<_> = (0..5).map(|n| record(n, 1).record).collect();
    for record in &sent {
        broker.append(record.clone()).await;
    }
    let mut consumer = broker.consumer(CDC_TOPIC);
    let got = read(consumer.as_mut(), 5).await;
    assert_eq!(got.iter().map(|one| one.record.clone()).collect::<Vec<_>>(), sent);
    let places: Vec<_> =
        got.iter().map(|one| (one.place.topic.as_str(), one.place.partition, one.place.offset)).collect();
    assert_eq!(places, (0..5).map(|offset| (CDC_TOPIC, 0, offset)).collect::<Vec<_>>());
    consumer.close().await.unwrap();
}

async fn what_was_not_committed_comes_again(broker: Broker) {
    for n in 0..3 {
        broker.append(record(n, 1).record).await;
    }
    let mut first = broker.consumer(CDC_TOPIC);
    let lost = read(first.as_mut(), 3).await;
    first.close().await.unwrap();
    let mut second = broker.consumer(CDC_TOPIC);
    assert_eq!(read(second.as_mut(), 3).await, lost);
    second.close().await.unwrap();
}

async fn what_was_committed_does_not_come_again(broker: Broker) {
    for n in 0..3 {
        broker.append(record(n, 1).record).await;
    }
    let mut first = broker.consumer(CDC_TOPIC);
    let done = read(first.as_mut(), 3).await;
    first.commit(&done).await.unwrap();
    first.close().await.unwrap();
    broker.append(record(3, 1).record).await;
    let mut second = broker.consumer(CDC_TOPIC);
    let next = read(second.as_mut(), 1).await;
    assert_eq!(next.iter().map(|one| one.place.offset).collect::<Vec<_>>(), [3]);
    second.close().await.unwrap();
}

async fn a_poison_record_goes_to_the_dead_letters_and_the_consumer_goes_on(broker: Broker) {
    let poison = junk(1).record;
    for record in [record(0, 1).record, poison.clone(), record(2, 1).record] {
        broker.append(record).await;
    }
    let ledger = InMemoryLedger::new(Arc::new(SteppedClock::default()));
    run_until(&broker, &ledger, 2).await;

    let mut reader = broker.consumer(&dead_letter_topic(CDC_TOPIC));
    let letter = read(reader.as_mut(), 1).await.remove(0).record;
    assert_eq!((&letter.key, &letter.value), (&poison.key, &poison.value));
    let header = |name: &str| {
        let found = letter.headers.iter().find(|(candidate, _)| candidate == name);
        String::from_utf8(found.unwrap_or_else(|| panic!("{name}")).1.clone()).unwrap()
    };
    assert_eq!(header("foreign"), "kept");
    assert!(header(dead_letter_header::REASON).contains("ce_specversion"));
    assert_eq!(header(dead_letter_header::TOPIC), CDC_TOPIC);
    assert_eq!(header(dead_letter_header::PARTITION), "0");
    assert_eq!(header(dead_letter_header::OFFSET), "1");
    reader.close().await.unwrap();
}

async fn a_batch_waits_for_the_ledger_and_is_not_lost_at_shutdown(broker: Broker) {
    for n in 0..3 {
        broker.append(record(n, 1).record).await;
    }
    let ledger = InMemoryLedger::new(Arc::new(SteppedClock::default()));
    ledger.fail_next(u32::MAX);
    let interactor = RecordUserEvents::new(ledger.clone(), broker.dead_letters());
    let (wake, counters, shutdown) = (Wake::default(), counters(), CancellationToken::new());
    let stop_once_tried = async {
        eventually("a first try", async || (ledger.failures_left() < u32::MAX).then_some(())).await;
        shutdown.cancel();
    };
    let consumer = broker.consumer(CDC_TOPIC);
    let silent = Tracer::silent();
    tokio::join!(consume_loop(consumer, &interactor, &wake, &silent, &counters, &shutdown), stop_once_tried);
    ledger.fail_next(0);
    assert_eq!(ledger.rows().len(), 0);
    ledger.fail_next(2);
    run_until(&broker, &ledger, 3).await;
}

/// Runs the loop until the ledger holds so many rows, then stops it.
async fn run_until(broker: &Broker, ledger: &Arc<InMemoryLedger>, rows: u64) {
    let interactor = RecordUserEvents::new(ledger.clone(), broker.dead_letters());
    let (wake, counters, shutdown) = (Wake::default(), counters(), CancellationToken::new());
    let stop_when_recorded = async {
        eventually("the events to be recorded", async || {
            let counts = ledger.counts().await.unwrap_or_default();
            (counts.queued >= rows).then_some(())
        })
        .await;
        shutdown.cancel();
    };
    let consumer = broker.consumer(CDC_TOPIC);
    let silent = Tracer::silent();
    tokio::join!(
        consume_loop(consumer, &interactor, &wake, &silent, &counters, &shutdown),
        stop_when_recorded
    );
    assert_eq!(ledger.rows().len() as u64, rows);
}
