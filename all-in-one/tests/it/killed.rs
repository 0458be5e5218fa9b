//! Nothing that was answered is lost, whenever the program is killed.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use all_in_one::mailbox::{Mailbox, SmtpServer, http_router};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::process::{AllInOneProcess, WHOLE_MACHINE, command};

const SEED: u64 = 20_260_914;
const UPDATES: usize = 300;
const USERS: usize = 6;
const KILLS: usize = 10;
/// Leases of the killed processes end within this time, and then everything goes out.
const DEADLINE: Duration = Duration::from_secs(90);

/// Updates one user after the other, `UPDATES` in all, and notes which were answered with success. What was
/// not answered is not tried again: it may have happened or not.
async fn update_users(ids: Vec<String>, api: watch::Receiver<String>, tried: Arc<AtomicUsize>) -> Vec<usize> {
    let client = reqwest::Client::new();
    let mut workers = Vec::new();
    for (user, id) in ids.into_iter().enumerate() {
        let (client, mut api, tried) = (client.clone(), api.clone(), Arc::clone(&tried));
        workers.push(tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for update in (user..UPDATES).step_by(USERS) {
                let url = format!("{}/{id}", *api.borrow_and_update());
                let answer =
                    client.patch(url).json(&json!({ "fullName": format!("Name {update}") })).send().await;
                tried.fetch_add(1, Ordering::SeqCst);
                match answer {
                    Ok(answer) if answer.status().is_success() => acknowledged.push(update),
                    Ok(answer) => panic!("update {update}: {}", answer.status()),
                    // Killed: wait for the next one rather than run through all updates meanwhile.
                    Err(_) => {
                        let _restarted_or_over =
                            tokio::time::timeout(Duration::from_secs(10), api.changed()).await;
                    }
                }
            }
            acknowledged
        }));
    }
    let mut acknowledged = Vec::new();
    for worker in workers {
        acknowledged.extend(worker.await.unwrap());
    }
    acknowledged
}

/// The names in the mails about updates, each with the ids of the mails that carry it.
async fn mailed_names(mailbox: &str) -> HashMap<String, HashSet<String>> {
    let list: Value =
        reqwest::get(format!("{mailbox}/api/v1/messages?limit=100000")).await.unwrap().json().await.unwrap();
    let mut names: HashMap<String, HashSet<String>> = HashMap::new();
    for message in list["messages"].as_array().unwrap() {
        let text = message["Snippet"].as_str().unwrap();
        if let Some(name) = text.strip_prefix("Hello Name ").and_then(|rest| rest.split(',').next()) {
            let id = message["MessageID"].as_str().unwrap().to_owned();
            names.entry(name.to_owned()).or_default().insert(id);
        }
    }
    names
}

async fn count(file: &Path, from_and_where: &str) -> i64 {
    let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(file)).await.unwrap();
    let sql = format!("SELECT COUNT(*) FROM {from_and_where}");
    let count = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&pool).await.unwrap();
    pool.close().await;
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answered_update_has_its_mail_however_often_the_program_is_killed() {
    let _machine = WHOLE_MACHINE.lock().await;
    let sink = Mailbox::with_capacity(10_000);
    let (smtp, http) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let smtp_url = format!("smtp://{}", smtp.local_addr().unwrap());
    let mailbox = format!("http://{}", http.local_addr().unwrap());
    let sink_runs = CancellationToken::new();
    tokio::spawn(SmtpServer::new(smtp, sink.clone()).run(sink_runs.clone()));
    tokio::spawn(axum::serve(http, http_router(sink)).into_future());
    let _sink_runs = sink_runs.drop_guard();

    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut program = command(folder.path());
        program.args(["--smtp-url", &smtp_url]);
        AllInOneProcess::start(program)
    };
    let mut program = start();
    let (api, address) = watch::channel(program.address("REST API").to_owned());
    let mut ids = Vec::new();
    for user in 0..USERS {
        let body = json!({"username": format!("u{user}"), "email": format!("u{user}@example.org"), "password": "correct-horse"});
        let url = address.borrow().clone();
        let answer = reqwest::Client::new().post(url).json(&body).send().await.unwrap();
        let user: Value = answer.json().await.unwrap();
        ids.push(user["id"].as_str().unwrap().to_owned());
    }

    let mut random = fastrand::Rng::with_seed(SEED);
    let mut moments: Vec<usize> = (0..KILLS).map(|_| random.usize(5..UPDATES * 9 / 10)).collect();
    moments.sort_unstable();
    let tried = Arc::new(AtomicUsize::new(0));
    let updates = tokio::spawn(update_users(ids, address, Arc::clone(&tried)));
    for moment in moments {
        while tried.load(Ordering::SeqCst) < moment {
            tokio::task::yield_now().await;
        }
        // Somewhere within what the last updates set in motion.
        sleep(Duration::from_micros(random.u64(0..60_000))).await;
        program.kill();
        program = start();
        api.send_replace(program.address("REST API").to_owned());
    }
    let acknowledged = updates.await.unwrap();
    assert!(
        acknowledged.len() > UPDATES / 2,
        "seed {SEED}: only {} of {UPDATES} were answered",
        acknowledged.len()
    );

    let deadline = Instant::now() + DEADLINE;
    let (users_db, notifier_db) = (folder.path().join("users.db"), folder.path().join("notifier.db"));
    loop {
        let names = mailed_names(&mailbox).await;
        let missing: Vec<_> =
            acknowledged.iter().filter(|update| !names.contains_key(&update.to_string())).collect();
        let outbox = count(&users_db, "outbox").await;
        let queue = count(&notifier_db, "notifications WHERE state = 'queued'").await;
        if missing.is_empty() && outbox == 0 && queue == 0 {
            let several: Vec<_> = names.iter().filter(|(_, ids)| ids.len() > 1).collect();
            assert!(several.is_empty(), "a mail that was sent twice has one Message-ID: {several:?}");
            break;
        }
        assert!(
            Instant::now() < deadline,
            "seed {SEED}: no mail for the answered updates {missing:?}; outbox {outbox}, queue {queue}"
        );
        sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(count(&users_db, "deadOutbox").await, 0);
    assert_eq!(count(&notifier_db, "notifications WHERE state = 'dead'").await, 0);
    program.interrupt(Duration::from_secs(5));
}
