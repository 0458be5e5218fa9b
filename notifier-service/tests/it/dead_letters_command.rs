//! `notifier-service dead-letters`, run as a process on a SQLite file and a table-broker file.

use std::path::Path;
use std::process::{Command, Output};

use notifier_service::composition;
use notifier_service::config::DatabaseUrl;
use notifier_service::data_sources::TableBrokerDeadLetters;
use notifier_service::repositories::{DeadLetter, DeadLetters};
use shared_kernel::{CDC_PARTITIONS, CDC_TOPIC, dead_letter_topic};
use table_broker::TableBroker;

use crate::support::events::{junk, record};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notifier-service"));
    command.args(arguments).env_clear();
    command.env("NOTIFIER_DATABASE_URL", format!("sqlite://{}", folder.join("notifier.db").display()));
    command.env("NOTIFIER_BROKER_URL", format!("table://{}", folder.join("broker.db").display()));
    command.output().unwrap()
}

fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn what_an_older_build_could_not_read_is_mailed_after_all() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    composition::migrate(&DatabaseUrl::Sqlite(folder.join("notifier.db"))).await.unwrap();
    let broker = TableBroker::open_sqlite(&folder.join("broker.db")).await.unwrap();
    broker.create_topic(&dead_letter_topic(CDC_TOPIC), CDC_PARTITIONS).await.unwrap();
    let letters = TableBrokerDeadLetters::new(broker.clone());
    for (received, reason) in [(record(1, 1), "of a type\nnot known to 0.9"), (junk(2), "poison")] {
        letters.put(&DeadLetter { received, reason: reason.to_owned() }).await.unwrap();
    }
    broker.close().await;

    let list = told(folder, &["dead-letters", "list"]);
    assert!(list.starts_with("1 open, 0 recorded, 1 unreadable\n"), "{list}");
    assert!(list.contains("from cdc.inf-user[0]@1 open: of a type not known to 0.9\n"), "{list}");
    assert!(list.contains("from cdc.inf-user[0]@2 unreadable ("), "{list}");
    let first = told(folder, &["dead-letters", "list", "--limit", "1"]);
    assert!(first.contains("there are 1 more"), "{first}");

    for dry in [&["dead-letters", "redrive"][..], &["dead-letters", "redrive", "--dry-run", "--rate", "5"]] {
        let would = told(folder, dry);
        assert!(
            would.contains(
                "\n1 would be recorded, bringing 1 mails; to do it: --yes; left: 0 recorded before, 1 that cannot be\n"
            ),
            "{would}"
        );
        assert!(would.contains("1 cannot be: "), "{would}");
    }
    assert!(told(folder, &["ledger", "list"]).starts_with("0 queued"), "that was dry");
    for nothing in [["--reason", "poison"], ["--since", "2999-01-31T12:00:00+01:00"]] {
        let done = told(folder, &[&["dead-letters", "redrive", "--yes"][..], &nothing].concat());
        assert!(done.starts_with("0 recorded, bringing 0 mails;"), "{done}");
    }
    for done in
        ["1 recorded, bringing 1 mails; left: 0 recorded", "0 recorded, bringing 0 mails; left: 1 recorded"]
    {
        let said = told(folder, &["dead-letters", "redrive", "--reason", "not known", "--yes"]);
        assert!(said.contains(done), "{said}");
        let ledger = told(folder, &["ledger", "list"]);
        assert!(ledger.starts_with("1 queued, 0 sent"), "{ledger}");
        assert!(ledger.contains("to user1@example.org"), "{ledger}");
    }
    let list = told(folder, &["dead-letters", "list"]);
    assert!(list.starts_with("0 open, 1 recorded, 1 unreadable\n"), "the letters stay: {list}");
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (arguments, words) in [
        (&["dead-letters", "list"][..], "notifier-service migrate"),
        (&["dead-letters", "list", "--since", "yesterday"], "a time such as 2026-01-31T12:00:00Z"),
        (&["dead-letters", "redrive", "--dry-run", "--yes"], "cannot be used with"),
        (&["dead-letters", "--broker-url", "nowhere", "list"], "--broker-url (NOTIFIER_BROKER_URL)"),
    ] {
        let output = run(folder, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(words), "{said}");
    }
    composition::migrate(&DatabaseUrl::Sqlite(folder.join("notifier.db"))).await.unwrap();
    let output = run(folder, &["dead-letters", "list"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("\"cdc.inf-user.dlq\" does not exist"), "{said}");
}
