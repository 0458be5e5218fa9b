use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use thiserror::Error;

/// How long the next event of a queue is waited for.
const WAIT: Duration = Duration::from_millis(50);
/// The most events that are taken from a queue to find a reason.
const QUEUED: usize = 5;

/// Remembers why a client cannot reach its brokers. What a call of librdkafka returns tells only that it cannot; that a
/// certificate is not trusted, or a password wrong, it says to the client's context.
#[derive(Debug, Clone, Default)]
pub struct Reasons(Arc<Mutex<Option<String>>>);

/// Brokers that cannot be reached or refuse us, with what librdkafka said of it last.
#[derive(Debug, Error)]
#[error("{reason}")]
pub struct BrokersRefuse {
    reason: String,
    #[source]
    source: KafkaError,
}

impl Reasons {
    /// The error of a client that somebody else polls, with the reason where one is known.
    pub fn explain(&self, error: KafkaError) -> Box<dyn Error + Send + Sync> {
        match self.known() {
            Some(reason) if is_of_the_connection(&error) => Box::new(BrokersRefuse { reason, source: error }),
            _ => Box::new(error),
        }
    }

    /// The error of a consumer that is only asked questions, with the reason that lies in its queue. Blocks for up to a
    /// quarter of a second.
    pub fn of(consumer: &BaseConsumer<Self>, error: KafkaError) -> Box<dyn Error + Send + Sync> {
        let reasons = consumer.context();
        for _ in 0..QUEUED {
            if consumer.poll(WAIT).is_none() || reasons.known().is_some() {
                break;
            }
        }
        reasons.explain(error)
    }

    fn known(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Reasons {
    /// Some reasons come as a line of the log alone, as that of a broker which hangs up since it expects TLS.
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, line: &str) {
        if facility == "FAIL" {
            let reason = line.split_once("]: ").map_or(line, |(_thread, reason)| reason);
            // What a broker does to a request in the clear at a port for TLS, and to hardly anything else.
            let is_cut_off = !reason.contains("ssl://") && reason.contains("APIVERSION_QUERY");
            let hint = if is_cut_off { "; does this port expect TLS?" } else { "" };
            let reason = format!("{reason}{hint}");
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // That they are all away is told after the reason of each.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Reasons {}

fn is_of_the_connection(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::Resolve
                | RDKafkaErrorCode::SSL
                | RDKafkaErrorCode::SaslAuthenticationFailed
        )
    )
}
