//! What stands in the way of the notifier's work, found out before it is started.

use std::sync::Arc;

pub use telemetry::doctor::Finding;
use telemetry::doctor::{of_topics, within};

use super::broker::partitions;
use super::mails::renderer;
use crate::config::{DatabaseUrl, NotifierConfig};
use crate::data_sources::{SmtpMailer, SystemClock};
use crate::entities::DialogueStage;

/// Looks at the database, the broker, the mail server and the templates. Sends no mail, joins no group and changes nothing, but
/// for the file of a broker on SQLite, which is made where there is none.
pub async fn examine(config: &NotifierConfig) -> Vec<Finding> {
    let mut findings = examine_database(&config.database).await;
    if let Err(bad) = super::policy(config) {
        findings.push(Finding::wrong("settings", shared_kernel::in_words(&bad)));
    }
    findings.push(of_topics(within(partitions(config)).await));
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
            use telemetry::doctor::{of_clock, of_privileges};
            let opening = crate::data_sources::MySqlNotificationLedger::open(url.expose_secret(), 1);
            match within(async { opening.await.map_err(super::start_error::not_opened) }).await {
                Ok(ledger) => {
                    let clock = of_clock(within(ledger.now()).await, crate::data_sources::machine_time());
                    let privileges = of_privileges(within(ledger.missing_privileges()).await);
                    ledger.close().await;
                    vec![fine, clock, privileges]
                }
                Err(reason) => wrong(reason),
            }
        }
        #[cfg(feature = "sqlite")]
        DatabaseUrl::Sqlite(path) => {
            let opening = crate::data_sources::SqliteNotificationLedger::open(path);
            match within(async { opening.await.map_err(super::start_error::not_opened) }).await {
                Ok(ledger) => {
                    ledger.close().await;
                    vec![fine]
                }
                Err(reason) => wrong(reason),
            }
        }
        #[cfg(not(all(feature = "mysql", feature = "sqlite")))]
        other => wrong(shared_kernel::in_words(&super::start_error::no_such_database(other))),
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
