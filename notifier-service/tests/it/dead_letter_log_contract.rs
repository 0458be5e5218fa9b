//! What [`DeadLetterLog`] promises, of letters that [`DeadLetters`] put there, on table-broker and a real Kafka.

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka_connection::KafkaConnection;
use notifier_service::data_sources::{
    KafkaDeadLetterLog, KafkaDeadLetters, TableBrokerDeadLetterLog, TableBrokerDeadLetters,
};
use notifier_service::entities::{Place, ReceivedRecord};
use notifier_service::repositories::{DeadLetter, DeadLetterLog, DeadLetters, LoggedLetter};
use shared_kernel::{WireRecord, dead_letter_topic};
use table_broker::TableBroker;

use crate::support::databases::random_suffix;
use crate::support::kafka::with_kafka_topics;

const PARTITIONS: i32 = 3;
const KEYS: usize = 12;
/// More than is read at once.
const LETTERS: usize = 1200;

/// A topic's dead letters, from both sides.
struct Topic {
    name: String,
    put: Arc<dyn DeadLetters>,
    log: Arc<dyn DeadLetterLog>,
    of_nobody: Arc<dyn DeadLetterLog>,
}

#[tokio::test]
async fn table_broker_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    let broker = TableBroker::open_sqlite(&folder.path().join("broker.db")).await.unwrap();
    broker.create_topic("events.dlq", PARTITIONS.cast_unsigned()).await.unwrap();
    let topic = Topic {
        name: "events".to_owned(),
        put: Arc::new(TableBrokerDeadLetters::new(broker.clone())),
        log: Arc::new(TableBrokerDeadLetterLog::new(broker.clone(), "events")),
        of_nobody: Arc::new(TableBrokerDeadLetterLog::new(broker, "nobody")),
    };
    keeps_its_promises(topic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_keeps_its_promises() {
    let name = format!("it.notifier-letters-of-{}", random_suffix());
    with_kafka_topics(&[&dead_letter_topic(&name)], PARTITIONS, |brokers| {
        let kafka = KafkaConnection::in_the_clear(&brokers);
        keeps_its_promises(Topic {
            put: Arc::new(KafkaDeadLetters::new(&kafka).unwrap()),
            log: Arc::new(KafkaDeadLetterLog::new(&kafka, &name)),
            of_nobody: Arc::new(KafkaDeadLetterLog::new(&kafka, &format!("{name}-of-nobody"))),
            name: name.clone(),
        })
    })
    .await;
}

async fn keeps_its_promises(topic: Topic) {
    let partitions = topic.log.partitions().await.unwrap();
    assert_eq!(partitions, (0..PARTITIONS).collect::<Vec<_>>());
    assert_eq!(topic.read().await, [], "there is nothing");

    let letters: Vec<_> = (0..LETTERS).map(|n| topic.letter(n)).collect();
    futures_util::future::join_all(letters[..KEYS].iter().map(|letter| topic.put.put(letter))).await;
    for batch in letters[KEYS..].chunks(KEYS) {
        // Letters of one key in their order; the others side by side.
        for put in futures_util::future::join_all(batch.iter().map(|letter| topic.put.put(letter))).await {
            put.unwrap();
        }
    }
    let read = topic.read().await;
    assert_eq!(topic.read().await, read, "to read takes nothing away");
    assert_eq!(read.len(), LETTERS);
    for key in 0..KEYS {
        let of_key = |letter: &&DeadLetter| letter.received.record.key == format!("key{key}").into_bytes();
        let got: Vec<_> = read.iter().map(|it| &it.letter).filter(of_key).collect();
        assert_eq!(got, letters.iter().filter(of_key).collect::<Vec<_>>(), "as it was put, in its order");
        let together: BTreeSet<_> =
            read.iter().filter(|it| of_key(&&it.letter)).map(|it| it.place.partition).collect();
        assert_eq!(together.len(), 1);
    }
    let used: BTreeSet<_> = read.iter().map(|it| it.place.partition).collect();
    assert!(used.len() > 1, "keys are spread");
    let mut next = vec![0; partitions.len()];
    for LoggedLetter { place, set_aside_at, .. } in &read {
        let next = &mut next[usize::try_from(place.partition).unwrap()];
        assert_eq!((&place.topic, place.offset), (&dead_letter_topic(&topic.name), *next));
        *next += 1;
        assert!(set_aside_at.unwrap().timestamp() > 1_700_000_000);
    }

    topic.put.put(&topic.letter(LETTERS)).await.unwrap();
    assert_eq!(topic.read().await.len(), LETTERS + 1, "what came later is there the next time");
    let error = topic.of_nobody.partitions().await.unwrap_err();
    assert!(!error.is_retryable(), "{error:?}");
}

impl Topic {
    async fn read(&self) -> Vec<LoggedLetter> {
        let mut all = Vec::new();
        for partition in self.log.partitions().await.unwrap() {
            all.extend(self.log.letters(partition).await.unwrap());
        }
        all
    }

    fn letter(&self, number: usize) -> DeadLetter {
        let offset = i64::try_from(number).unwrap();
        DeadLetter {
            received: ReceivedRecord {
                place: Place { topic: self.name.clone(), partition: 7, offset },
                record: WireRecord {
                    key: format!("key{}", number % KEYS).into_bytes(),
                    value: vec![0xff, 0],
                    headers: vec![("ce_id".to_owned(), offset.to_string().into_bytes())],
                },
            },
            reason: format!("reason {number}"),
        }
    }
}
