//! The whole service as it is composed, on embedded parts.

use std::path::Path;
use std::time::Duration;

use notifier_service::composition::{self, StartError};
use notifier_service::config::{BrokerUrl, DatabaseUrl, NotifierConfig};
use notifier_service::data_sources::SmtpSettings;
use notifier_service::entities::{
    ActionLinks, LinkLifetimes, NotificationId, NotificationKind, PublicUrl, Recipient,
};
use notifier_service::repositories::LedgerCounts;
use secrecy::SecretString;
use shared_kernel::{CDC_TOPIC, EventId, SigningKeys, WireRecord};
use table_broker::{NewRecord, TableBroker};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::databases::{Backend, with_server_database};
use crate::support::events::{junk, record};
use crate::support::silent_proxy::SilentProxy;
use crate::support::smtp_server::{Accepted, Act, Session, SmtpServer};
use crate::support::{DEADLINE, eventually};

pub(crate) fn config(folder: &Path, server: &SmtpServer) -> NotifierConfig {
    let smtp = SmtpSettings::parse(&SecretString::from(server.url()), "accounts@sender.example").unwrap();
    let links = ActionLinks::new(
        PublicUrl::parse("https://accounts.example.org").unwrap(),
        SigningKeys::parse(&"k".repeat(32)).unwrap(),
        LinkLifetimes::default(),
    );
    let mut config = NotifierConfig::new(
        DatabaseUrl::Sqlite(folder.join("notifier.db")),
        BrokerUrl::Table(folder.join("broker.db")),
        smtp,
        links,
    );
    config.retry.first_delay = Duration::from_millis(20);
    config.pace.first_pause = Duration::from_millis(20);
    config.breaker.first_pause = Duration::from_millis(20);
    config.pace.poll_interval = Duration::from_millis(20);
    config
}

pub(crate) async fn append(folder: &Path, records: impl IntoIterator<Item = WireRecord>) {
    let broker = TableBroker::open_sqlite(&folder.join("broker.db")).await.unwrap();
    let records: Vec<_> = records
        .into_iter()
        .map(|WireRecord { key, value, headers }| NewRecord { key, value, headers })
        .collect();
    broker.append(CDC_TOPIC, &records).await.unwrap();
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_becomes_one_mail_in_order_per_user_through_trouble_and_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    // The first connections meet every kind of trouble that a mail survives.
    let fine = Session::default();
    let server = SmtpServer::start([
        Session { greeting: Act::Say("554 not now"), ..fine },
        Session { rcpt: Act::Say("450 later"), mails: 2, ..fine },
        Session { mail: Act::Drop, ..fine },
        Session { mails: 3, ..fine },
    ])
    .await;
    composition::migrate(&config(folder.path(), &server).database).await.unwrap();

    for (first, last) in [(1, 30), (31, 60)] {
        let notifier = composition::build(config(folder.path(), &server)).await.unwrap();
        let handle = notifier.handle();
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(notifier.run(shutdown.clone()));
        append(folder.path(), (first..=last).map(|n| record(n, n % 5).record).chain([junk(0).record])).await;
        let expected = LedgerCounts { queued: 0, sent: u64::try_from(last).unwrap(), dead: 0 };
        eventually("all mails to be sent", async || {
            (handle.counts().await.unwrap() == expected).then_some(())
        })
        .await;
        shutdown.cancel();
        running.await.unwrap();
    }

    let accepted = server.accepted();
    assert_eq!(accepted.len(), 60);
    for user in 0..5 {
        let recipient = Recipient::new(format!("user{user}@example.org"));
        let to_user = accepted.iter().filter(|mail| mail.rcpt_to.contains(recipient.as_str()));
        let message_ids: Vec<_> = to_user.map(Accepted::message_id).collect();
        let expected: Vec<_> = (1..=60)
            .filter(|n| n % 5 == user)
            .map(|n| EventId(Uuid::from_u128(n)))
            .map(|event| NotificationId::derive(event, NotificationKind::Updated, &recipient))
            .map(|id| format!("<{id}@sender.example>"))
            .collect();
        assert_eq!(message_ids, expected, "user {user}");
    }
}

#[tokio::test]
async fn a_database_that_is_not_migrated_is_refused_with_the_command_that_helps() {
    let folder = tempfile::tempdir().unwrap();
    let server = SmtpServer::start([]).await;
    std::fs::write(folder.path().join("notifier.db"), "").unwrap();
    let error = composition::build(config(folder.path(), &server)).await.err().unwrap();
    assert!(matches!(error, StartError::NotMigrated), "{error:?}");
    assert!(error.to_string().contains("notifier-service migrate"), "{error}");
}

#[tokio::test]
async fn a_lease_that_a_send_can_outlive_is_refused_by_its_setting() {
    let folder = tempfile::tempdir().unwrap();
    let server = SmtpServer::start([]).await;
    let config = NotifierConfig { lease: Duration::from_secs(65), ..config(folder.path(), &server) };
    let error = composition::build(config).await.err().unwrap().to_string();
    assert!(error.starts_with("lease-seconds: it must be longer than 65 seconds"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_fell_silent_does_not_hold_up_the_stop() {
    with_server_database(Backend::MariaDb, async |url| {
        tokio::spawn(stops_before_a_silent_database(url)).await
    })
    .await;
}

async fn stops_before_a_silent_database(url: String) {
    let folder = tempfile::tempdir().unwrap();
    let server = SmtpServer::start([]).await;
    let mut address = url::Url::parse(&url).unwrap();
    let host = address.host_str().unwrap().to_owned();
    let proxy = SilentProxy::before(format!("{host}:{}", address.port().unwrap_or(3306))).await;
    address.set_host(Some("127.0.0.1")).unwrap();
    address.set_port(Some(proxy.port())).unwrap();
    let config = NotifierConfig {
        database: DatabaseUrl::parse(address.as_str()).unwrap(),
        drain: Duration::from_millis(100),
        ..config(folder.path(), &server)
    };
    composition::migrate(&config.database).await.unwrap();
    let notifier = composition::build(config).await.unwrap();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(notifier.run(shutdown.clone()));
    append(folder.path(), [record(1, 1).record]).await;
    eventually("the first mail", async || (server.accepted().len() == 1).then_some(())).await;
    proxy.fall_silent();
    shutdown.cancel();
    tokio::time::timeout(DEADLINE, running).await.expect("a stop in time").unwrap();
}
