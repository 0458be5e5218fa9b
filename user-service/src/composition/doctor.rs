//! What stands in the way of the service's work, found out before it is started.

use chrono::TimeDelta;
use telemetry::doctor::within;
pub use telemetry::doctor::{Finding, Verdict};

use super::database::Database;
use super::{broker, capture};
use crate::config::{RelayConfig, UserServiceConfig};
use crate::data_sources::SystemClock;
use crate::repositories::Clock as _;

/// Beyond this, moments in mails and tokens are visibly wrong.
const MOST_SKEW: TimeDelta = TimeDelta::seconds(2);

/// Looks at the database and, where the settings name a broker, at all that a relay needs. Changes nothing, but for the
/// files of a database or a broker on SQLite, which are made where there are none.
pub async fn examine(config: &UserServiceConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    match within(Database::open(config)).await {
        Ok(database) => {
            findings.extend(examine_database(&database, config).await);
            database.close().await;
        }
        Err(reason) => findings.push(Finding::wrong("database-url", reason)),
    }
    if let Some(relay) = &config.relay {
        findings.push(examine_broker(relay).await);
    }
    findings
}

async fn examine_database(database: &Database, config: &UserServiceConfig) -> Vec<Finding> {
    if let Err(reason) = within(database.check_schema()).await {
        return vec![Finding::wrong("database-url", reason)];
    }
    let mut findings = vec![
        Finding::fine("database-url", "the database answers and is at the version of this build"),
        examine_clock(database).await,
        examine_privileges(database, config.relay.is_some()).await,
    ];
    if let Some(relay) = &config.relay {
        findings.push(match within(capture::change_feed(database, &config.database, relay)).await {
            Ok(_feed) => Finding::fine("capture", "changes can be captured"),
            Err(reason) => Finding::wrong("capture", reason),
        });
    }
    findings.push(examine_dead(database).await);
    findings
}

async fn examine_clock(database: &Database) -> Finding {
    match within(database.now()).await {
        Ok(theirs) => {
            let skew = (SystemClock.now() - theirs).abs();
            if skew > MOST_SKEW {
                let seconds = skew.num_seconds();
                Finding::wrong(
                    "clock",
                    format!(
                        "the database's clock and this one are {seconds} s apart; let both follow a time server"
                    ),
                )
            } else {
                Finding::fine("clock", "the database has the same time")
            }
        }
        Err(reason) => Finding::wrong("clock", reason),
    }
}

/// Of whoever relays, or else serves. What the binary log asks for beside it is told of the capture.
async fn examine_privileges(database: &Database, relays: bool) -> Finding {
    match within(database.missing_privileges(relays)).await {
        Ok(missing) if missing.is_empty() => Finding::fine("privileges", "the account may do what is needed"),
        Ok(missing) => {
            Finding::wrong("privileges", format!("the account may not; grant it: {}", missing.join(", ")))
        }
        Err(reason) => Finding::wrong("privileges", reason),
    }
}

async fn examine_dead(database: &Database) -> Finding {
    match within(database.count_dead()).await {
        Ok(0) => Finding::fine("deadOutbox", "no change was set aside"),
        Ok(count) => Finding::attention(
            "deadOutbox",
            format!(
                "{count} changes were set aside, since they can never be published: the column `reason` says why"
            ),
        ),
        // Whoever only serves or relays may have no right to read it.
        Err(reason) => Finding::attention("deadOutbox", reason),
    }
}

async fn examine_broker(relay: &RelayConfig) -> Finding {
    let partitions = match within(broker::partitions(relay)).await {
        Ok(partitions) => partitions,
        Err(reason) => return Finding::wrong("broker-url", reason),
    };
    for (topic, found) in partitions {
        let expected = shared_kernel::CDC_PARTITIONS;
        if found == 0 {
            return Finding::wrong(
                "topic",
                format!("there is no topic {topic}; `user-service migrate` creates it"),
            );
        }
        if found != expected {
            return Finding::attention(
                "topic",
                format!(
                    "the topic {topic} has {found} partitions and not {expected}; while it is not empty, leave it so"
                ),
            );
        }
    }
    Finding::fine("broker-url", "the broker answers and has the topics")
}
