//! `KafkaEventPublisher` on librdkafka's mock cluster, which fails when told to, and on a real Kafka.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use kafka_connection::KafkaConnection;
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::RDKafkaRespErr::{
    RD_KAFKA_RESP_ERR__TRANSPORT as DISCONNECT, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE as TOO_LARGE,
    RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS as TOO_FEW,
    RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION as NOT_LEADER,
    RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT as TIMED_OUT,
};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use shared_kernel::{CDC_PARTITIONS, EventId, UserEvent, UserId, encode};
use tokio::time::timeout;
use user_service::data_sources::{KafkaEventPublisher, create_missing_topics};
use user_service::repositories::{EventPublisher, PublishError, PublishFailure};

use crate::support::kafka::{ReadRecord, admin, partitions, read_all, with_real_kafka};
use crate::support::people::updates_of;
use crate::support::waiting::{soon, until};

const TOPIC: &str = "cdc.inf-user";
const LONG: Duration = Duration::from_secs(15);

struct Mock {
    cluster: MockCluster<'static, DefaultProducerContext>,
    brokers: String,
}

impl Mock {
    /// As many brokers, and the topic.
    fn new(brokers: i32) -> Self {
        let cluster = MockCluster::new(brokers).unwrap();
        cluster.create_topic(TOPIC, 12, brokers).unwrap();
        let brokers = cluster.bootstrap_servers();
        Self { cluster, brokers }
    }

    fn publisher(&self, deadline: Duration) -> KafkaEventPublisher {
        KafkaEventPublisher::new(&KafkaConnection::in_the_clear(&self.brokers), TOPIC, deadline)
    }

    async fn read(&self) -> Vec<ReadRecord> {
        read_all(&self.brokers, TOPIC).await
    }

    /// The next requests to publish end like this; those after them, well.
    fn fail_publishing(&self, errors: &[RDKafkaRespErr]) {
        self.cluster.request_errors(RDKafkaApiKey::Produce, errors);
    }
}

fn by_user(ids: impl IntoIterator<Item = (UserId, EventId)>) -> BTreeMap<UserId, Vec<EventId>> {
    let mut by_user: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (user, id) in ids {
        by_user.entry(user).or_default().push(id);
    }
    by_user
}

fn identity(event: &UserEvent) -> (UserId, EventId) {
    (event.metadata.subject, event.metadata.id)
}

/// Every event is there exactly once, and each user's are in order.
fn assert_each_once_in_order(records: &[ReadRecord], events: &[UserEvent]) {
    let read = by_user(records.iter().map(|record| identity(&record.event())));
    assert_eq!(read, by_user(events.iter().map(identity)));
}

/// Every event is there at most so often, and first occurrences of each user's are in order.
fn assert_first_occurrences_in_order(records: &[ReadRecord], events: &[UserEvent], at_most: usize) {
    let mut times: HashMap<EventId, usize> = HashMap::new();
    let mut first = Vec::new();
    for (user, id) in records.iter().map(|record| identity(&record.event())) {
        let times = times.entry(id).or_default();
        *times += 1;
        if *times == 1 {
            first.push((user, id));
        }
        assert!(*times <= at_most, "{id:?} is there {times} times");
    }
    assert_eq!(by_user(first), by_user(events.iter().map(identity)));
}

fn all_causes(error: &PublishError) -> String {
    std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// The event with as many characters that do not compress in it.
fn enlarged(mut event: UserEvent, chars: u64) -> UserEvent {
    let mut state = 0x9E37_79B9_u64;
    let noise = (0..chars)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'0' + u8::try_from((state >> 33) % 75).unwrap())
        })
        .collect();
    event.change.after.as_mut().unwrap().full_name = Some(noise);
    event
}

#[tokio::test]
async fn an_event_arrives_with_its_key_headers_and_value_in_the_partition_that_java_would_choose() {
    let mock = Mock::new(1);
    let mut events = updates_of(20, 1);
    events[0].metadata.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    mock.publisher(LONG).publish(&events).await.unwrap();

    let records = mock.read().await;
    assert_each_once_in_order(&records, &events);
    let sent: HashMap<_, _> = events.iter().map(|event| (event.metadata.id, encode(event))).collect();
    for ReadRecord { partition, record } in &records {
        let event = shared_kernel::decode(record).unwrap();
        assert_eq!(*record, sent[&event.metadata.id]);
        assert_eq!(record.key, event.metadata.subject.to_string().into_bytes());
        assert_eq!(
            *partition,
            i32::try_from(table_broker::partition_for(&record.key, CDC_PARTITIONS)).unwrap()
        );
    }
}

#[tokio::test]
async fn publishing_nothing_is_harmless() {
    let mock = Mock::new(1);
    mock.publisher(LONG).publish(&[]).await.unwrap();
    assert!(mock.read().await.is_empty());
}

#[tokio::test]
async fn requests_that_are_refused_for_a_while_neither_reorder_nor_repeat() {
    let mock = Mock::new(3);
    let publisher = mock.publisher(LONG);
    let events = updates_of(3, 120);
    let failures: [&[_]; 6] = [
        &[],
        &[TOO_FEW, TOO_FEW],
        &[TIMED_OUT, TOO_FEW, TIMED_OUT],
        &[NOT_LEADER],
        &[TIMED_OUT, NOT_LEADER, TOO_FEW],
        &[],
    ];
    for (batch, failures) in events.chunks(60).zip(failures) {
        mock.fail_publishing(failures);
        publisher.publish(batch).await.unwrap();
    }
    assert_each_once_in_order(&mock.read().await, &events);
}

/// With a connection the answers of requests on their way are lost too, so these are sent again. A real
/// broker knows them by their sequence numbers; the mock does so in transactions only
/// (`rd_kafka_mock_validate_records`).
#[tokio::test]
async fn connections_that_break_do_not_reorder() {
    let mock = Mock::new(3);
    let publisher = mock.publisher(LONG);
    let events = updates_of(3, 80);
    let failures: [&[_]; 4] =
        [&[DISCONNECT], &[TIMED_OUT, DISCONNECT, TOO_FEW], &[], &[DISCONNECT, DISCONNECT]];
    for (batch, failures) in events.chunks(60).zip(failures) {
        mock.fail_publishing(failures);
        publisher.publish(batch).await.unwrap();
    }
    assert_first_occurrences_in_order(&mock.read().await, &events, 4);
}

#[tokio::test]
async fn while_the_broker_is_down_nothing_is_published_and_afterwards_all_in_order() {
    let mock = Mock::new(1);
    let events = updates_of(3, 40);
    mock.publisher(LONG).publish(&events[..30]).await.unwrap();

    // With a connection from before.
    let publisher = mock.publisher(Duration::from_millis(1500));
    publisher.publish(&events[30..60]).await.unwrap();
    mock.cluster.broker_down(1).unwrap();
    for _ in 0..2 {
        let refused = publisher.publish(&events[60..]).await.unwrap_err();
        assert_eq!(refused.acknowledged, 0);
        assert!(refused.is_retryable(), "{refused:?}");
    }
    // And without one.
    let refused = mock.publisher(Duration::from_millis(300)).publish(&events[60..]).await.unwrap_err();
    assert!(refused.acknowledged == 0 && refused.is_retryable(), "{refused:?}");

    mock.cluster.broker_up(1).unwrap();
    soon("the broker taking events again", async {
        while publisher.publish(&events[60..]).await.is_err() {}
    })
    .await;
    assert_first_occurrences_in_order(&mock.read().await, &events, 3);
}

#[tokio::test]
async fn a_broker_that_goes_down_and_comes_back_during_a_call_does_not_reorder() {
    let mock = Mock::new(1);
    let publisher = mock.publisher(LONG);
    let events = updates_of(3, 100);
    publisher.publish(&events[..30]).await.unwrap();
    mock.cluster.broker_round_trip_time(1, Duration::from_millis(100)).unwrap();
    let blink = async {
        // In the midst of it: the request is out, the answer is not.
        tokio::task::yield_now().await;
        mock.cluster.broker_down(1).unwrap();
        tokio::task::yield_now().await;
        mock.cluster.broker_up(1).unwrap();
    };
    let (published, ()) = tokio::join!(publisher.publish(&events[30..]), blink);
    published.unwrap();
    mock.cluster.broker_round_trip_time(1, Duration::ZERO).unwrap();
    // The mock does not know repeated requests; see `connections_that_break_do_not_reorder`.
    assert_first_occurrences_in_order(&mock.read().await, &events, 2);
}

#[tokio::test]
async fn a_too_large_event_is_refused_and_those_before_it_are_published() {
    let mock = Mock::new(1);
    let publisher = mock.publisher(LONG);
    let mut events = updates_of(1, 6);
    events[3] = enlarged(events[3].clone(), 1_100_000);
    let refused = publisher.publish(&events).await.unwrap_err();
    assert_eq!(refused.acknowledged, 3);
    assert!(matches!(refused.failure, PublishFailure::Rejected(_)), "{refused:?}");
    assert!(all_causes(&refused).contains("too large"), "{}", all_causes(&refused));

    publisher.publish(&events[4..]).await.unwrap();
    let refused = events.remove(3);
    let records = mock.read().await;
    assert_first_occurrences_in_order(&records, &events, 2);
    assert!(records.iter().all(|record| record.event().metadata.id != refused.metadata.id));
}

#[tokio::test]
async fn a_request_that_is_refused_as_a_whole_costs_no_event() {
    let mock = Mock::new(1);
    let publisher = mock.publisher(LONG);
    let events = updates_of(2, 20);
    mock.fail_publishing(&[TOO_LARGE]);
    publisher.publish(&events).await.unwrap();
    assert_first_occurrences_in_order(&mock.read().await, &events, 2);
}

#[tokio::test]
async fn an_unknown_topic_is_named_and_may_come() {
    let mock = Mock::new(1);
    let publisher =
        KafkaEventPublisher::new(&KafkaConnection::in_the_clear(&mock.brokers), "not-there", LONG);
    let events = updates_of(1, 1);
    let refused = publisher.publish(&events).await.unwrap_err();
    assert!(refused.acknowledged == 0 && refused.is_retryable(), "{refused:?}");
    let causes = all_causes(&refused);
    assert!(causes.contains("not-there") && causes.contains("user-service migrate"), "{causes}");

    mock.cluster.create_topic("not-there", 12, 1).unwrap();
    publisher.publish(&events).await.unwrap();
    assert_each_once_in_order(&read_all(&mock.brokers, "not-there").await, &events);
}

#[tokio::test]
async fn after_a_cancelled_call_the_next_one_keeps_first_occurrences_in_order() {
    let mock = Mock::new(1);
    let publisher = mock.publisher(LONG);
    let events = updates_of(2, 60);
    mock.cluster.broker_round_trip_time(1, Duration::from_millis(40)).unwrap();
    // Cancelled in different places: while connecting, with requests out, with some of them answered.
    for after in [0, 20, 60, 100, 150, 200, 300] {
        let _outcome = timeout(Duration::from_millis(after), publisher.publish(&events[..100])).await;
    }
    mock.cluster.broker_round_trip_time(1, Duration::ZERO).unwrap();
    publisher.publish(&events).await.unwrap();
    assert_first_occurrences_in_order(&mock.read().await, &events, 8);
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_unavailable_and_keeps_first_occurrences_in_order() {
    let mock = Mock::new(1);
    let publisher = mock.publisher(Duration::from_millis(1500));
    let events = updates_of(2, 60);
    publisher.publish(&events[..20]).await.unwrap();
    mock.cluster.broker_round_trip_time(1, Duration::from_secs(3)).unwrap();
    let late = publisher.publish(&events[20..]).await.unwrap_err();
    assert!(late.acknowledged == 0 && late.is_retryable(), "{late:?}");
    mock.cluster.broker_round_trip_time(1, Duration::ZERO).unwrap();
    soon("a quick broker", async { while publisher.publish(&events[20..]).await.is_err() {} }).await;
    assert_first_occurrences_in_order(&mock.read().await, &events, 3);
}

#[tokio::test]
async fn missing_topics_are_created_on_a_real_kafka_and_others_left_alone() {
    with_real_kafka(async |kafka| {
        let [one, two] = kafka.topics.each_ref().map(String::as_str);
        create_missing_topics(&kafka.connection(), &[one]).await.unwrap();
        create_missing_topics(&kafka.connection(), &[one, two]).await.unwrap();
        create_missing_topics(&kafka.connection(), &[two, one]).await.unwrap();
        for topic in [one, two] {
            until("12 partitions", async || partitions(&kafka.brokers, topic) == 12).await;
        }
    })
    .await;
}

#[tokio::test]
async fn events_are_read_back_from_a_real_kafka_in_order() {
    with_real_kafka(async |kafka| {
        let topic = &kafka.topics[0];
        create_missing_topics(&kafka.connection(), &[topic]).await.unwrap();
        let publisher = KafkaEventPublisher::new(&kafka.connection(), topic, LONG);
        let events = updates_of(10, 50);
        for batch in events.chunks(90) {
            publisher.publish(batch).await.unwrap();
        }
        let records = read_all(&kafka.brokers, topic).await;
        assert_each_once_in_order(&records, &events);
        let sent: HashMap<_, _> = events.iter().map(|event| (event.metadata.id, encode(event))).collect();
        assert!(records.iter().all(|it| it.record == sent[&it.event().metadata.id]));
        assert!(records.iter().map(|it| it.partition).collect::<BTreeSet<_>>().len() > 1);
    })
    .await;
}

#[tokio::test]
async fn an_unknown_topic_of_a_real_kafka_is_named() {
    with_real_kafka(async |kafka| {
        let publisher = KafkaEventPublisher::new(&kafka.connection(), &kafka.topics[0], LONG);
        let refused = publisher.publish(&updates_of(1, 1)).await.unwrap_err();
        assert!(refused.is_retryable(), "{refused:?}");
        assert!(all_causes(&refused).contains(&kafka.topics[0]), "{}", all_causes(&refused));
    })
    .await;
}

/// A topic may take less than the producer would send in one request.
#[tokio::test]
async fn a_topic_that_takes_little_refuses_the_large_event_alone() {
    with_real_kafka(async |kafka| {
        let topic = &kafka.topics[0];
        let narrow = NewTopic::new(topic, 12, TopicReplication::Fixed(1)).set("max.message.bytes", "20000");
        let created = admin(&kafka.brokers).create_topics([&narrow], &AdminOptions::new()).await.unwrap();
        assert!(created[0].is_ok(), "{created:?}");
        let publisher = KafkaEventPublisher::new(&kafka.connection(), topic, LONG);
        // Each is small enough, together they are not.
        let mut events: Vec<_> = updates_of(1, 40).into_iter().map(|event| enlarged(event, 3000)).collect();
        soon("the topic", async {
            while let Err(error) = publisher.publish(&events[..1]).await {
                assert!(error.is_retryable(), "{error:?}");
            }
        })
        .await;
        publisher.publish(&events[1..20]).await.unwrap();

        events[25] = enlarged(events[25].clone(), 40_000);
        let refused = publisher.publish(&events[20..]).await.unwrap_err();
        assert_eq!(refused.acknowledged, 5, "{refused:?}");
        assert!(matches!(refused.failure, PublishFailure::Rejected(_)), "{refused:?}");
        publisher.publish(&events[26..]).await.unwrap();
        events.remove(25);
        assert_first_occurrences_in_order(&read_all(&kafka.brokers, topic).await, &events, 3);
    })
    .await;
}
