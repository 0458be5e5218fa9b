use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use kafka_connection::Reasons;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, Statistics};

use super::{ConsumeError, ConsumerMonitor, PartitionLag};

/// How often librdkafka tells how it is, in milliseconds.
pub(super) const TELL_INTERVAL_MS: &str = "2000";

/// After that long without a word, nobody reads: it is told to whoever asks for records.
const SILENT_AFTER: Duration = Duration::from_secs(10);

/// What librdkafka tells of a consumer. Clones share it.
#[derive(Debug, Clone)]
pub struct KafkaConsumerMonitor {
    topic: String,
    reasons: Reasons,
    told: Arc<Mutex<Told>>,
}

#[derive(Debug, Default)]
struct Told {
    at: Option<Instant>,
    /// How it is with the group: the coordinator, and us as a member.
    group: Option<(String, String)>,
    lag: Vec<PartitionLag>,
    /// The last trouble with a broker since we were a member.
    trouble: Option<String>,
}

impl KafkaConsumerMonitor {
    pub(super) fn of(topic: &str) -> Self {
        Self { topic: topic.to_owned(), reasons: Reasons::default(), told: Arc::default() }
    }

    /// An error of the consumer, with the reason where one is known.
    pub(super) fn explain(&self, error: KafkaError) -> Box<dyn Error + Send + Sync> {
        self.reasons.explain(error)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for KafkaConsumerMonitor {
    fn stats(&self, statistics: Statistics) {
        let group = statistics.cgrp.map(|group| (group.state, group.join_state));
        let partitions = statistics.topics.get(&self.topic).map(|topic| topic.partitions.values());
        let mut lag: Vec<_> = partitions
            .into_iter()
            .flatten()
            // Below zero where it is not known, which it is not of partitions that others read.
            .filter_map(|found| {
                let records = u64::try_from(found.consumer_lag).ok()?;
                (found.partition >= 0).then_some(PartitionLag { partition: found.partition, records })
            })
            .collect();
        lag.sort();
        let mut told = self.told();
        if is_member(group.as_ref()) {
            told.trouble = None;
        }
        (told.at, told.group, told.lag) = (Some(Instant::now()), group, lag);
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.reasons.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "trouble with a broker");
        self.reasons.error(error.clone(), reason);
        self.told().trouble = Some(reason.to_owned());
    }
}

impl ConsumerContext for KafkaConsumerMonitor {}

fn is_member(group: Option<&(String, String)>) -> bool {
    group.is_some_and(|(coordinator, member)| coordinator == "up" && member == "steady")
}

#[async_trait]
impl ConsumerMonitor for KafkaConsumerMonitor {
    async fn check(&self) -> Result<(), ConsumeError> {
        let told = self.told();
        let obstacle = match (told.at, &told.group) {
            (Some(at), _) if at.elapsed() > SILENT_AFTER => {
                format!(
                    "no records have been asked for since {} s: those in hand cannot be recorded",
                    at.elapsed().as_secs()
                )
            }
            (Some(_), group) if is_member(group.as_ref()) => return Ok(()),
            (_, group) => {
                let (coordinator, member) =
                    group.as_ref().map_or(("unknown", "init"), |(first, second)| (first, second));
                let trouble = told.trouble.as_ref().map_or(String::new(), |trouble| format!("; {trouble}"));
                format!(
                    "not a member of the consumer group (coordinator: {coordinator}, member: {member}){trouble}"
                )
            }
        };
        Err(ConsumeError { action: "read the topic", source: obstacle.into() })
    }

    async fn lag(&self) -> Result<Vec<PartitionLag>, ConsumeError> {
        Ok(self.told().lag.clone())
    }
}
