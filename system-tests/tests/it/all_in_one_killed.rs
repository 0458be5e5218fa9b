//! Nothing that was answered is lost, whenever the whole of the all-in-one is killed.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use system_tests::{ServiceProcess, SmtpSink, UpdateLoad, eventually, mailed_updates};
use tokio::time::sleep;

const SEED: u64 = 20_260_914;
const UPDATES: usize = 300;
const KILLS: usize = 10;
const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// Leases of the killed processes end within this time, and then everything goes out.
const LIMIT: Duration = Duration::from_secs(90);

struct AllInOne<'a> {
    folder: &'a Path,
    smtp_url: String,
    starts: usize,
}

impl AllInOne<'_> {
    /// Starts the program on the same data as before; returns it and where its API is.
    async fn start(&mut self) -> (ServiceProcess, String) {
        self.starts += 1;
        let data = self.folder.join("data");
        let variables = [
            ("INF_USER_API_PORT", "0"),
            ("INF_USER_OPERATOR_PORT", "0"),
            ("INF_USER_DATA_DIR", data.to_str().unwrap()),
            ("INF_USER_SMTP_URL", &self.smtp_url),
        ];
        let log = format!("all-in-one-{}", self.starts);
        let process = ServiceProcess::start(self.folder, &log, "all-in-one", "", &variables);
        let line = process.logged("REST API", START_LIMIT).await;
        let api = line.split_whitespace().last().unwrap().to_owned();
        (process, api)
    }

    async fn count(&self, file: &str, from_and_where: &str) -> i64 {
        let file = SqliteConnectOptions::new().filename(self.folder.join("data").join(file));
        let pool = SqlitePool::connect_with(file).await.unwrap();
        let sql = format!("SELECT COUNT(*) FROM {from_and_where}");
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&pool).await.unwrap();
        pool.close().await;
        count
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answered_update_has_its_mail_however_often_the_all_in_one_is_killed() {
    let (sink, folder) = (SmtpSink::start().await, tempfile::tempdir().unwrap());
    let mut all_in_one = AllInOne { folder: folder.path(), smtp_url: sink.url(), starts: 0 };
    let (mut process, api) = all_in_one.start().await;
    let load = UpdateLoad::start(&api, UPDATES).await;
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut moments: Vec<usize> = (0..KILLS).map(|_| random.usize(5..UPDATES * 9 / 10)).collect();
    moments.sort_unstable();
    for moment in moments {
        load.tried(moment).await;
        // Somewhere within what the last updates set in motion.
        sleep(Duration::from_micros(random.u64(0..60_000))).await;
        drop(process);
        let api;
        (process, api) = all_in_one.start().await;
        load.api_is_at(&api);
    }
    let acknowledged = load.acknowledged().await;
    assert!(acknowledged.len() > UPDATES / 2, "seed {SEED}: only {} were answered", acknowledged.len());

    eventually("every answered update is mailed", LIMIT, || async {
        let mailed = mailed_updates(&sink.mails().await);
        acknowledged.iter().all(|update| mailed.contains_key(update))
    })
    .await;
    eventually("the outbox is empty", LIMIT, || async { all_in_one.count("users.db", "outbox").await == 0 })
        .await;
    eventually("nothing is queued", LIMIT, || async {
        all_in_one.count("notifier.db", "notifications WHERE state = 'queued'").await == 0
    })
    .await;
    let mailed = mailed_updates(&sink.mails().await);
    let several: Vec<_> = mailed.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(several.is_empty(), "a mail that was sent twice has one Message-ID: {several:?}");
    assert_eq!(all_in_one.count("users.db", "deadOutbox").await, 0);
    assert_eq!(all_in_one.count("notifier.db", "notifications WHERE state = 'dead'").await, 0);
    process.stop(STOP_LIMIT).await;
}
