//! What stands in the way of the notifier's work, found out before it is started.

use std::sync::Arc;

pub use telemetry::doctor::Finding;
use telemetry::doctor::within;

use super::{StartError, broker_url_unusable, renderer};
use crate::config::{BrokerUrl, DatabaseUrl, NotifierConfig};
use crate::data_sources::{SmtpMailer, SystemClock};
use crate::entities::DialogueStage;

/// Looks at the database, the broker, the mail server and the templates. Sends no mail, joins no group and changes nothing, but
/// for the file of a broker on SQLite, which is made where there is none.
pub async fn examine(config: &NotifierConfig) -> Vec<Finding> {
    let mut findings = examine_database(&config.database).await;
    findings.push(examine_broker(config).await);
    findings.push(examine_mail_server(config).await);
    findings.push(match renderer(&config.mails, &config.links) {
        Ok(_) => Finding::fine("templates", "every mail was written once, in every language"),
        Err(error) => Finding::wrong("templates", shared_kernel::in_words(&error)),
    });
    findings.push(Finding::fine("keys", "links are signed, and the key can be used"));
    findings.push(match &config.smtp.dkim {
        Some(_) => Finding::fine("dkim", "mails are signed"),
        None => Finding::fine("dkim", "mails are not signed by us, since there is no key"),
    });
    findings
}

async fn examine_database(database: &DatabaseUrl) -> Vec<Finding> {
    let fine = Finding::fine("database-url", "the database answers and is at the version of this build");
    let wrong = |reason| vec![Finding::wrong("database-url", reason)];
    match database {
        #[cfg(feature = "mysql")]
        DatabaseUrl::MySql(url) => {
            use secrecy::ExposeSecret as _;
            let opening = crate::data_sources::MySqlNotificationLedger::open(url.expose_secret(), 1);
            match within(async { opening.await.map_err(super::not_opened) }).await {
                Ok(ledger) => {
                    let findings =
                        vec![fine, examine_clock(&ledger).await, examine_privileges(&ledger).await];
                    ledger.close().await;
                    findings
                }
                Err(reason) => wrong(reason),
            }
        }
        #[cfg(feature = "sqlite")]
        DatabaseUrl::Sqlite(path) => {
            let opening = crate::data_sources::SqliteNotificationLedger::open(path);
            match within(async { opening.await.map_err(super::not_opened) }).await {
                Ok(ledger) => {
                    ledger.close().await;
                    vec![fine]
                }
                Err(reason) => wrong(reason),
            }
        }
        #[cfg(not(all(feature = "mysql", feature = "sqlite")))]
        other => wrong(shared_kernel::in_words(&super::no_such_database(other))),
    }
}

#[cfg(feature = "mysql")]
async fn examine_clock(ledger: &crate::data_sources::MySqlNotificationLedger) -> Finding {
    /// Beyond this, moments in mails and the lives of their links are visibly wrong.
    const MOST_SKEW: chrono::TimeDelta = chrono::TimeDelta::seconds(2);
    match within(ledger.now()).await {
        Ok(theirs) => {
            let skew = (crate::data_sources::machine_time() - theirs).abs();
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

#[cfg(feature = "mysql")]
async fn examine_privileges(ledger: &crate::data_sources::MySqlNotificationLedger) -> Finding {
    match within(ledger.missing_privileges()).await {
        Ok(missing) if missing.is_empty() => Finding::fine("privileges", "the account may do what is needed"),
        Ok(missing) => {
            Finding::wrong("privileges", format!("the account may not; grant it: {}", missing.join(", ")))
        }
        Err(reason) => Finding::wrong("privileges", reason),
    }
}

async fn examine_broker(config: &NotifierConfig) -> Finding {
    let partitions = match within(partitions(config)).await {
        Ok(partitions) => partitions,
        Err(reason) => return Finding::wrong("broker-url", reason),
    };
    for (topic, found) in partitions {
        let expected = shared_kernel::CDC_PARTITIONS;
        if found == 0 {
            let says = format!("there is no topic {topic}; `user-service migrate` creates it");
            return Finding::wrong("topic", says);
        }
        if found != expected as usize {
            let says = format!(
                "the topic {topic} has {found} partitions and not {expected}; while it is not empty, leave it so"
            );
            return Finding::attention("topic", says);
        }
    }
    Finding::fine("broker-url", "the broker answers and has the topics")
}

/// How many partitions each of our topics has; none where there is no topic.
async fn partitions(config: &NotifierConfig) -> Result<Vec<(String, usize)>, StartError> {
    let topics = vec![config.topic.clone(), shared_kernel::dead_letter_topic(&config.topic)];
    match &config.broker {
        #[cfg(feature = "kafka")]
        BrokerUrl::Kafka(brokers) => {
            let history = crate::data_sources::KafkaEventHistory::new(brokers, topics);
            history.map_err(broker_url_unusable)?.partitions().await.map_err(broker_url_unusable)
        }
        #[cfg(feature = "table-broker")]
        BrokerUrl::Table(path) => {
            super::table_broker(path, &config.topic).await.map_err(broker_url_unusable)?;
            Ok(topics.into_iter().map(|topic| (topic, shared_kernel::CDC_PARTITIONS as usize)).collect())
        }
        #[cfg(not(all(feature = "kafka", feature = "table-broker")))]
        other => Err(super::no_such_broker(other)),
    }
}

async fn examine_mail_server(config: &NotifierConfig) -> Finding {
    let mailer = SmtpMailer::new(config.smtp.clone(), Arc::new(SystemClock::start()));
    match mailer.try_connection().await {
        Ok(()) => Finding::fine("smtp-url", "the mail server greets us and lets us in"),
        Err(answer) => {
            let fix = match answer.stage {
                Some(DialogueStage::Encrypt) => {
                    "does it offer STARTTLS, with a certificate that --smtp-ca-file or the public authorities vouch for?"
                }
                Some(DialogueStage::Authenticate) => "are the user in --smtp-url and the password right?",
                _ => {
                    "are the host and the port in --smtp-url right, and is it `smtps://` where TLS comes first?"
                }
            };
            let stage = answer.stage.map_or("none", DialogueStage::as_str);
            Finding::wrong("smtp-url", format!("it ended at {stage}: {}; {fix}", answer.words))
        }
    }
}
