use std::time::Duration;

use async_trait::async_trait;
use kafka_connection::{KafkaConnection, Reasons, partitions_in};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer, PurgeConfig};
use shared_kernel::{CDC_PARTITIONS, NewerEvent, UserEvent, WireRecord, encode, encode_newer};
use tracing::warn;

use super::kafka_producer_config;
use super::overlapping::{Connection, Overlapping};
use crate::repositories::{AdapterError, EventPublisher, PublishError, PublishFailure};

/// How long the broker may take to describe the topic.
const METADATA_TIMEOUT: Duration = Duration::from_secs(5);

/// Events to a Kafka topic, in order per key whatever fails.
///
/// The producer is idempotent and waits for all in-sync replicas. librdkafka tries for as long as a call lasts; a
/// message that fails for good stops those behind it (`enable.gapless.guarantee`). Calls that overlap share a producer,
/// to which each hands over all of its events in its turn. After any failure or a cancelled call the producer is dropped
/// with whatever it still held, and the next call goes on with a new one from the first event that was not acknowledged.
pub struct KafkaEventPublisher {
    config: ClientConfig,
    topic: String,
    deadline: Duration,
    calls: Overlapping<FutureProducer<Reasons>>,
}

/// What a record is made of.
trait Recordable: Sync {
    fn record(&self) -> WireRecord;
}

impl Recordable for UserEvent {
    fn record(&self) -> WireRecord {
        encode(self)
    }
}

impl Recordable for NewerEvent {
    fn record(&self) -> WireRecord {
        encode_newer(self)
    }
}

impl Connection for FutureProducer<Reasons> {
    fn abort(&self) {
        self.purge(PurgeConfig::default().queue().inflight());
    }
}

impl KafkaEventPublisher {
    /// Publishes to `topic` at the brokers of the connection. A call that takes longer than `deadline` fails as unavailable.
    /// Connects when first used.
    pub fn new(connection: &KafkaConnection, topic: &str, deadline: Duration) -> Self {
        let config = kafka_producer_config(connection);
        Self { config, topic: topic.to_owned(), deadline, calls: Overlapping::new() }
    }

    /// A producer that has seen the topic.
    async fn connect(&self) -> Result<FutureProducer<Reasons>, AdapterError> {
        let reasons = Reasons::default();
        let producer: FutureProducer<Reasons> = self.config.create_with_context(reasons.clone())?;
        let (client, topic) = (producer.clone(), self.topic.clone());
        let partitions = tokio::task::spawn_blocking(move || {
            let metadata = client.client().fetch_metadata(Some(&topic), METADATA_TIMEOUT)?;
            partitions_in(&metadata)
        })
        .await?
        .map_err(|error| reasons.explain(error))?;
        if partitions == 0 {
            return Err(format!("there is no topic {}; `user-service migrate` creates it", self.topic).into());
        }
        if partitions != CDC_PARTITIONS {
            warn!(
                topic = self.topic,
                partitions,
                expected = CDC_PARTITIONS,
                "unexpected number of partitions"
            );
        }
        Ok(producer)
    }

    /// Adds to `acknowledged` how many, from the first, the brokers have for good.
    async fn deliver<E: Recordable>(
        &self,
        events: &[E],
        acknowledged: &mut usize,
    ) -> Result<(), PublishFailure> {
        let mut turn = self.calls.turn().await;
        let call = match turn.join().map_err(|behind| PublishFailure::Unavailable(behind.into()))? {
            Some(call) => call,
            None => turn.begin(self.connect().await.map_err(PublishFailure::Unavailable)?),
        };
        let (deliveries, refused) = self.enqueue_all(call.connection(), events);
        if refused.is_some() {
            call.break_run();
        }
        drop(turn);
        let delivered = acknowledge(deliveries, acknowledged).await.and(refused.map_or(Ok(()), Err));
        match delivered {
            // Brokers refuse a request as a whole. Which of its events they mind shows one by one.
            Err(PublishFailure::Rejected(_)) => {
                call.break_run();
                self.deliver_one_by_one(events, acknowledged).await
            }
            Ok(()) => {
                call.done();
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// With a producer of its own, beside the run, which stays broken for as long as this call takes.
    async fn deliver_one_by_one<E: Recordable>(
        &self,
        events: &[E],
        acknowledged: &mut usize,
    ) -> Result<(), PublishFailure> {
        let producer = self.connect().await.map_err(PublishFailure::Unavailable)?;
        while *acknowledged < events.len() {
            let next = &events[*acknowledged..=*acknowledged];
            let (deliveries, refused) = self.enqueue_all(&producer, next);
            acknowledge(deliveries, acknowledged).await.and(refused.map_or(Ok(()), Err))?;
        }
        Ok(())
    }

    /// Up to the first that is refused at once.
    fn enqueue_all<E: Recordable>(
        &self,
        producer: &FutureProducer<Reasons>,
        events: &[E],
    ) -> (Vec<DeliveryFuture>, Option<PublishFailure>) {
        let mut deliveries = Vec::with_capacity(events.len());
        for event in events {
            match self.enqueue(producer, &event.record()) {
                Ok(delivery) => deliveries.push(delivery),
                Err(error) => return (deliveries, Some(failure(error))),
            }
        }
        (deliveries, None)
    }

    fn enqueue(
        &self,
        producer: &FutureProducer<Reasons>,
        record: &WireRecord,
    ) -> Result<DeliveryFuture, KafkaError> {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (key, value) in &record.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        let message = FutureRecord::to(&self.topic).key(&record.key).payload(&record.value).headers(headers);
        producer.send_result(message).map_err(|(error, _message)| error)
    }
}

#[async_trait]
impl EventPublisher for KafkaEventPublisher {
    async fn publish(&self, events: &[UserEvent]) -> Result<(), PublishError> {
        self.deliver_in_time(events).await
    }

    async fn publish_newer(&self, event: &NewerEvent) -> Result<(), PublishError> {
        self.deliver_in_time(std::slice::from_ref(event)).await
    }
}

impl KafkaEventPublisher {
    async fn deliver_in_time<E: Recordable>(&self, events: &[E]) -> Result<(), PublishError> {
        let mut acknowledged = 0;
        let delivering = self.deliver(events, &mut acknowledged);
        let result = match tokio::time::timeout(self.deadline, delivering).await {
            Ok(result) => result,
            Err(elapsed) => Err(PublishFailure::Unavailable(Box::new(elapsed))),
        };
        result.map_err(|failure| PublishError { acknowledged, failure })
    }
}

async fn acknowledge(
    deliveries: Vec<DeliveryFuture>,
    acknowledged: &mut usize,
) -> Result<(), PublishFailure> {
    for delivery in deliveries {
        match delivery.await {
            Ok(Ok(_place)) => *acknowledged += 1,
            Ok(Err((error, _message))) => return Err(failure(error)),
            Err(dropped) => return Err(PublishFailure::Unavailable(Box::new(dropped))),
        }
    }
    Ok(())
}

fn failure(error: KafkaError) -> PublishFailure {
    match error.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::InvalidMessageSize
            | RDKafkaErrorCode::InvalidRecord,
        ) => PublishFailure::Rejected(Box::new(error)),
        _ => PublishFailure::Unavailable(Box::new(error)),
    }
}
