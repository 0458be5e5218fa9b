//! The least that publishing costs: handing finished records to the relay's producer.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use kafka_connection::KafkaConnection;
use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use user_service::data_sources::kafka_producer_config;

use super::child::wait_to_be_released;
use super::record_file::KeptRecord;
use crate::Failure;

/// How long the brokers may take for what is left at the end.
const FLUSH_LIMIT: Duration = Duration::from_secs(120);

const QUEUE_FULL_WAIT: Duration = Duration::from_millis(10);

/// After so many records the producer is asked what was delivered.
const ASK_EVERY: u64 = 100;

#[derive(Args)]
pub(crate) struct FloorProduce {
    #[arg(long)]
    brokers: String,
    #[arg(long)]
    topic: String,
    /// Files of records, one a partition, which are mixed as evenly as the users' ids are spread
    #[arg(long)]
    records: Vec<PathBuf>,
    /// Settings of the producer to try out in place of the relay's own, as NAME=VALUE
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<String>,
}

/// Counts what the brokers have, and what they refused.
#[derive(Default)]
struct Deliveries {
    done: AtomicU64,
    failed: AtomicU64,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() { &self.done } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl FloorProduce {
    /// Produces every kept record, as fast as the producer takes them.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut config = kafka_producer_config(&KafkaConnection::in_the_clear(&self.brokers));
        for setting in &self.settings {
            let (name, value) = setting.split_once('=').ok_or("--set takes NAME=VALUE")?;
            config.set(name, value);
        }
        let producer: BaseProducer<Deliveries> = config.create_with_context(Deliveries::default())?;
        let open = |path: &PathBuf| File::open(path).map(BufReader::new);
        let mut files = self.records.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let (mut record, mut sent) = (KeptRecord::default(), 0);
        while !files.is_empty() {
            let mut emptied = Vec::new();
            for (place, file) in files.iter_mut().enumerate() {
                if !record.read(file)? {
                    emptied.push(place);
                    continue;
                }
                self.send(&producer, &record)?;
                sent += 1;
                if sent % ASK_EVERY == 0 {
                    producer.poll(Duration::ZERO);
                }
            }
            for place in emptied.into_iter().rev() {
                files.swap_remove(place);
            }
        }
        producer.flush(FLUSH_LIMIT)?;
        let Deliveries { done, failed } = &**producer.context();
        let (done, failed) = (done.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
        if (done, failed) != (sent, 0) {
            return Err(format!("of {sent} records {done} were delivered, and {failed} were refused").into());
        }
        wait_to_be_released();
        Ok(())
    }

    fn send(&self, producer: &BaseProducer<Deliveries>, record: &KeptRecord) -> Result<(), Failure> {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (key, value) in &record.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        let mut message =
            BaseRecord::to(&self.topic).key(&record.key).payload(&record.value).headers(headers);
        loop {
            match producer.send(message) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), refused)) => {
                    message = refused;
                    producer.poll(QUEUE_FULL_WAIT);
                }
                Err((error, _message)) => return Err(error.into()),
            }
        }
    }
}
