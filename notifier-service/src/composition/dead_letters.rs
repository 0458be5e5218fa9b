//! What an operator can do to the dead letters of the topic.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::StartError;
use super::ledger::{Ledger, open_ledger};
use crate::config::{BrokerUrl, DeadLettersConfig};
use crate::data_sources::SystemClock;
use crate::interactors::{ListDeadLetters, RedriveDeadLetters};
use crate::repositories::DeadLetterLog;
use crate::transport::http::DeadLetterCommands;

/// Wires the two for a command that does one thing, and gives what closes the connections. Makes no topic.
///
/// # Errors
///
/// [`StartError`], which names the setting at fault.
pub async fn open_dead_letters(
    config: &DeadLettersConfig,
) -> Result<(DeadLetterCommands, BoxFuture<'static, ()>), StartError> {
    let ledger = open_ledger(&config.database, 1).await?;
    let (log, close_log) = log(config).await?;
    let commands = commands(log, &ledger);
    let close_ledger = ledger.close;
    Ok((
        commands,
        Box::pin(async move {
            close_ledger.await;
            close_log.await;
        }),
    ))
}

/// What an operator can do to the letters of that log, beside that ledger.
pub(super) fn commands(log: Arc<dyn DeadLetterLog>, ledger: &Ledger) -> DeadLetterCommands {
    let Ledger { ledger, operator, .. } = ledger;
    let clock = Arc::new(SystemClock::start());
    DeadLetterCommands {
        list: ListDeadLetters::new(log.clone(), operator.clone()),
        redrive: RedriveDeadLetters::new(log, operator.clone(), ledger.clone(), clock),
    }
}

async fn log(
    config: &DeadLettersConfig,
) -> Result<(Arc<dyn DeadLetterLog>, BoxFuture<'static, ()>), StartError> {
    match &config.broker {
        #[cfg(feature = "kafka")]
        BrokerUrl::Kafka(brokers) => {
            let connection = super::broker::kafka(brokers, &config.kafka)?;
            let log = crate::data_sources::KafkaDeadLetterLog::new(&connection, &config.topic);
            Ok((Arc::new(log), Box::pin(std::future::ready(()))))
        }
        #[cfg(feature = "table-broker")]
        BrokerUrl::Table(path) => {
            let broker = table_broker::TableBroker::open_sqlite(path)
                .await
                .map_err(|error| super::start_error::unusable("broker-url", error))?;
            let log = crate::data_sources::TableBrokerDeadLetterLog::new(broker.clone(), &config.topic);
            Ok((Arc::new(log), Box::pin(async move { broker.close().await })))
        }
        #[cfg(not(all(feature = "kafka", feature = "table-broker")))]
        other => Err(super::start_error::no_such_broker(other)),
    }
}
