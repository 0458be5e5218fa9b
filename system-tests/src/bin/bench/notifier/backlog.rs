use std::time::Duration;

use kafka_connection::KafkaConnection;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::types::RDKafkaErrorCode;
use shared_kernel::{
    AccountStatus, ChangeSource, EventId, EventMetadata, EventType, Locale, Op, UserChange, UserEvent,
    UserField, UserId, UserSnapshot, WireRecord, encode,
};
use user_service::data_sources::kafka_producer_config;
use uuid::Uuid;

use crate::Failure;

const FLUSH_LIMIT: Duration = Duration::from_secs(120);

const QUEUE_FULL_WAIT: Duration = Duration::from_millis(10);

/// The `number`th event: a user of its own has another name.
fn event(number: u64) -> UserEvent {
    let id = UserId(Uuid::from_u128(number.into()));
    let snapshot = |full_name: &str| UserSnapshot {
        id,
        username: format!("user{number}"),
        email: format!("user{number}@example.org"),
        pending_email: None,
        full_name: Some(full_name.to_owned()),
        status: AccountStatus::Confirmed,
        locale: Locale::En,
    };
    UserEvent {
        metadata: EventMetadata {
            id: EventId(Uuid::from_u128(number.into())),
            event_type: EventType::Updated,
            time: chrono::DateTime::UNIX_EPOCH,
            subject: id,
            traceparent: None,
        },
        change: UserChange {
            op: Some(Op::Update),
            before: Some(snapshot("Augusta Ada Byron")),
            after: Some(snapshot("Augusta Ada King")),
            changed: vec![UserField::FullName],
            version: 2,
            security_version: 1,
            source: ChangeSource::outbox(0),
            ts_ms: 0,
        },
    }
}

/// Puts as many events on the topic.
pub(super) fn fill(brokers: &str, topic: &str, events: u64) -> Result<(), Failure> {
    let producer: BaseProducer = kafka_producer_config(&KafkaConnection::in_the_clear(brokers)).create()?;
    for number in 1..=events {
        let WireRecord { key, value, headers } = encode(&event(number));
        let mut wire = OwnedHeaders::new_with_capacity(headers.len());
        for (key, value) in &headers {
            wire = wire.insert(Header { key, value: Some(value) });
        }
        let mut message = BaseRecord::to(topic).key(&key).payload(&value).headers(wire);
        while let Err((error, refused)) = producer.send(message) {
            let KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) = error else {
                return Err(error.into());
            };
            message = refused;
            producer.poll(QUEUE_FULL_WAIT);
        }
    }
    Ok(producer.flush(FLUSH_LIMIT)?)
}
