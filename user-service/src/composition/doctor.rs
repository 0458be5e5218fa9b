//! What stands in the way of the service's work, found out before it is started.

pub use telemetry::doctor::Finding;
use telemetry::doctor::{of_clock, of_privileges, of_topics, within};

use super::database::Database;
use super::{broker, capture};
use crate::config::UserServiceConfig;
use crate::data_sources::SystemClock;
use crate::repositories::Clock as _;

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
        findings.push(of_topics(within(broker::partitions(relay)).await));
    }
    findings
}

async fn examine_database(database: &Database, config: &UserServiceConfig) -> Vec<Finding> {
    if let Err(reason) = within(database.check_schema()).await {
        return vec![Finding::wrong("database-url", reason)];
    }
    let mut findings = vec![
        Finding::fine("database-url", "the database answers and is at the version of this build"),
        of_clock(within(database.now()).await, SystemClock.now()),
        // Of whoever relays, or else serves. What the binary log asks for beside it is told of the capture.
        of_privileges(within(database.missing_privileges(config.relay.is_some())).await),
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
