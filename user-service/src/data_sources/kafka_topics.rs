use std::sync::Arc;
use std::time::Duration;

use kafka_connection::{KafkaConnection, Reasons};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use shared_kernel::CDC_PARTITIONS;
use tokio::time::Instant;

use crate::repositories::AdapterError;

/// How long the brokers may take to say whether we are let in.
const LOOK_WITHIN: Duration = Duration::from_secs(10);
/// How long the brokers may take.
const TIMEOUT: Duration = Duration::from_secs(30);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Creates each topic that is not there, with [`CDC_PARTITIONS`] partitions and the brokers' default
/// replication, and waits until they can be written to. Leaves what is there alone.
///
/// # Errors
///
/// When the brokers cannot be reached within ten seconds, refuse, or have no leader for a partition within 30 seconds.
pub async fn create_missing_topics(
    connection: &KafkaConnection,
    topics: &[&str],
) -> Result<(), AdapterError> {
    if let [first, ..] = topics {
        // Whether we are let in at all: an admin client does not tell why not.
        connection.partitions_of(&[first], LOOK_WITHIN).await?;
    }
    let admin: Arc<AdminClient<Reasons>> =
        Arc::new(connection.config().create_with_context(Reasons::default())?);
    let partitions = i32::try_from(CDC_PARTITIONS).expect("the number of partitions is small");
    // -1: the brokers' default.
    let wanted: Vec<_> =
        topics.iter().map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(-1))).collect();
    let options = AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT));
    for outcome in admin.create_topics(&wanted, &options).await? {
        match outcome {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(KafkaError::AdminOp(code).into()),
        }
    }
    let deadline = Instant::now() + TIMEOUT;
    for name in topics {
        while !has_leaders(&admin, name).await? {
            if Instant::now() > deadline {
                return Err(KafkaError::AdminOp(RDKafkaErrorCode::LeaderNotAvailable).into());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }
    Ok(())
}

/// Whether the broker that answers knows the topic, and a leader of each of its partitions: a moment after
/// the creation, not each does.
async fn has_leaders(admin: &Arc<AdminClient<Reasons>>, topic: &str) -> Result<bool, KafkaError> {
    let (admin, topic) = (Arc::clone(admin), topic.to_owned());
    let look = move || {
        let metadata = admin.inner().fetch_metadata(Some(&topic), TIMEOUT)?;
        let partitions = metadata.topics().first().map_or(&[][..], |found| found.partitions());
        Ok(!partitions.is_empty() && partitions.iter().all(|partition| partition.leader() >= 0))
    };
    tokio::task::spawn_blocking(look).await.unwrap_or(Err(KafkaError::Canceled))
}
