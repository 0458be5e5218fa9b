//! `notifier-service ledger`, run as a process on a SQLite file.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use chrono::DateTime;
use notifier_service::data_sources::SqliteNotificationLedger;
use notifier_service::entities::{Answer, Notification};
use notifier_service::repositories::NotificationLedger;

use crate::support::events::notification;

fn ledger(file: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notifier-service"));
    command.arg("ledger").args(arguments).env_clear();
    command.env("NOTIFIER_DATABASE_URL", format!("sqlite://{}", file.display())).output().unwrap()
}

fn told(file: &Path, arguments: &[&str]) -> String {
    let output = ledger(file, arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn an_operator_finds_a_dead_mail_reads_why_and_sends_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notifier.db");
    SqliteNotificationLedger::migrate(&file).await.unwrap();
    let open = SqliteNotificationLedger::open(&file).await.unwrap();
    let mails = [1, 2].map(|n| Notification {
        security_version: None,
        occurred_at: DateTime::from_timestamp(1_700_000_000, 0),
        ..notification(n, n, &format!("user{n}@example.org"))
    });
    open.record(&mails).await.unwrap();
    let claimed = open.claim(1, Duration::from_secs(60)).await.unwrap().pop().unwrap();
    open.mark_dead(&claimed.lease, &Answer::ours("550 5.1.1 no such user")).await.unwrap();
    open.close().await;
    let [dead, queued] = mails.map(|mail| mail.id.to_string());

    let list = told(&file, &["list"]);
    assert!(list.starts_with("1 queued, 0 sent, 1 dead, 0 cancelled\n"), "{list}");
    let list = told(&file, &["list", "--state", "dead", "--words", "no such"]);
    assert!(list.contains(&dead) && !list.contains(&queued), "{list}");
    let page = told(&file, &["list", "--limit", "1"]);
    assert!(page.contains(&queued) && page.contains("--cursor 2"), "{page}");
    let shown = told(&file, &["show", &dead]);
    assert!(shown.contains("user1@example.org") && shown.contains("550 5.1.1 no such user"), "{shown}");

    let would = told(&file, &["redrive"]);
    assert!(would.contains(&dead) && would.contains("1 would be put back"), "{would}");
    assert!(told(&file, &["list"]).contains("1 dead"), "that was dry");
    assert!(told(&file, &["redrive", "--yes", "--per-second", "1"]).contains("1 put back"));
    assert!(told(&file, &["cancel", &dead]).contains("cancelled"));
    assert!(told(&file, &["resend", &dead]).contains("queued"));

    for (arguments, words) in [
        (["resend", queued.as_str()], "already"),
        (["show", "00000000-0000-0000-0000-000000000000"], "there is no mail"),
        (["list", "--state=lost"], "queued, sent, dead, cancelled"),
    ] {
        let output = ledger(&file, &arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(words), "{said}");
    }
}
