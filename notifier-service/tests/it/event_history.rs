//! What [`EventHistory`] promises, against table-broker and a real Kafka; librdkafka's mock keeps no times.

use chrono::{DateTime, TimeDelta, Utc};
use kafka_connection::KafkaConnection;
use notifier_service::data_sources::{KafkaEventHistory, TableBrokerEventHistory};
use notifier_service::repositories::EventHistory;
use rdkafka::producer::{FutureProducer, FutureRecord};
use table_broker::{NewRecord, TableBroker};

use crate::support::DEADLINE;
use crate::support::databases::random_suffix;
use crate::support::kafka::with_kafka_topics;

const HOUR: TimeDelta = TimeDelta::hours(1);
const THEN: DateTime<Utc> = DateTime::from_timestamp(1_790_000_000, 0).unwrap();

#[tokio::test]
async fn table_broker_tells_how_far_back_its_topics_go() {
    let folder = tempfile::tempdir().unwrap();
    let broker = TableBroker::open_sqlite(&folder.path().join("broker.db")).await.unwrap();
    for topic in ["events", "letters"] {
        broker.create_topic(topic, 2).await.unwrap();
    }
    let topics = vec!["events".to_owned(), "letters".to_owned()];
    let history = TableBrokerEventHistory::new(broker.clone(), topics);
    let far_away = DateTime::from_timestamp(4_000_000_000, 0).unwrap();
    assert!(!history.reaches_before(far_away).await.unwrap(), "there is nothing");
    let record = NewRecord { key: b"k".to_vec(), ..NewRecord::default() };
    let [place] = broker.append("letters", &[record]).await.unwrap().try_into().unwrap();
    let [record] = broker.records("letters", place.partition, 0, 1).await.unwrap().try_into().unwrap();
    let appended = DateTime::from_timestamp_millis(record.appended_at_ms).unwrap();
    assert!(history.reaches_before(appended + HOUR).await.unwrap());
    assert!(!history.reaches_before(appended).await.unwrap());
    assert!(!history.reaches_before(appended - HOUR).await.unwrap());

    let nowhere = TableBrokerEventHistory::new(broker, vec!["of-nobody".to_owned()]);
    assert!(nowhere.reaches_before(appended).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_tells_how_far_back_its_topics_go() {
    let names = ["events", "letters"].map(|what| format!("it.notifier-{what}-{}", random_suffix()));
    with_kafka_topics(&names.each_ref().map(String::as_str), 2, |brokers| {
        what_kafka_tells(brokers, names.clone())
    })
    .await;
}

async fn what_kafka_tells(brokers: String, names: [String; 2]) {
    let kafka = KafkaConnection::in_the_clear(&brokers);
    let history = KafkaEventHistory::new(&kafka, names.to_vec()).unwrap();
    assert!(!history.reaches_before(THEN + HOUR).await.unwrap(), "there is nothing");
    let producer: FutureProducer = kafka.config().create().unwrap();
    for hours in 0..3 {
        let time = (THEN + HOUR * hours).timestamp_millis();
        let record = FutureRecord::<[u8], [u8]>::to(&names[1]).partition(1).payload(b"x").timestamp(time);
        producer.send(record, DEADLINE).await.unwrap();
    }
    assert!(history.reaches_before(THEN + HOUR).await.unwrap());
    assert!(history.reaches_before(THEN + HOUR * 9).await.unwrap(), "all of it is older");
    assert!(!history.reaches_before(THEN).await.unwrap());
    assert!(!history.reaches_before(THEN - HOUR).await.unwrap());

    let nowhere = KafkaEventHistory::new(&kafka, vec![format!("{}-of-nobody", names[0])]).unwrap();
    assert!(nowhere.reaches_before(THEN).await.is_err());
}
