//! Nothing that was answered is lost when the disk is full under the all-in-one, and nobody has to help when it no longer
//! is. On a file system in memory, which only root can mount.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use system_tests::{ServiceProcess, SmtpSink, SteadyLoad, eventually, updates_by_reader};

const ROUNDS: usize = 3;
/// How many updates are answered in each round, and after how many of them the disk is filled.
const UPDATES: usize = 40;
const BEFORE_IT_IS_FULL: usize = 15;
const LIMIT: Duration = Duration::from_secs(90);
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A small disk, with room for three databases and their write-ahead logs (4 MiB each and a bit); unmounted with the value.
struct Disk(PathBuf);

impl Disk {
    /// `None`, and a line that says why, where nobody may mount one.
    fn mount(folder: &Path) -> Option<Self> {
        std::fs::create_dir(folder).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=48m", "tmpfs"])
            .arg(folder)
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            println!("not run: a disk that is full — no file system can be mounted here");
        }
        mounted.then(|| Self(folder.to_owned()))
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// To the last byte.
    fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        for size in [64 * 1024, 512, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    async fn count(&self, file: &str, from_and_where: &str) -> i64 {
        let file = SqliteConnectOptions::new().filename(self.0.join(file));
        let pool = SqlitePool::connect_with(file).await.unwrap();
        let sql = format!("SELECT COUNT(*) FROM {from_and_where}");
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&pool).await.unwrap();
        pool.close().await;
        count
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Also while the program still has files there, when the test has failed.
        let _unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answered_update_has_its_mail_though_the_disk_was_full() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(&folder.path().join("data")) else { return };
    let sink = SmtpSink::start().await;
    let smtp_url = sink.url();
    let variables = [
        ("INF_USER_API_PORT", "0"),
        ("INF_USER_OPERATOR_PORT", "0"),
        ("INF_USER_DATA_DIR", disk.0.to_str().unwrap()),
        ("INF_USER_SMTP_URL", &smtp_url),
    ];
    let process = ServiceProcess::start(folder.path(), "all-in-one", "all-in-one", "", &variables);
    let line = process.logged("REST API", LIMIT).await;
    let load = SteadyLoad::start(line.split_whitespace().last().unwrap()).await;
    let complaints = || process.log_so_far().matches("disk is full").count();
    for round in 0..ROUNDS {
        load.allow(UPDATES);
        load.answered(round * UPDATES + BEFORE_IT_IS_FULL, LIMIT).await;
        let before = complaints();
        disk.fill();
        eventually("there is no room for a change", LIMIT, || async { complaints() > before }).await;
        disk.free();
        load.answered((round + 1) * UPDATES, LIMIT).await;
    }
    let answered = load.end().await;

    eventually("the outbox is empty", LIMIT, || async { disk.count("users.db", "outbox").await == 0 }).await;
    eventually("every answered update is mailed", LIMIT, || async {
        let told: Vec<_> = updates_by_reader(&sink.mails().await).into_values().flatten().collect();
        answered.iter().all(|update| told.contains(update))
    })
    .await;
    eventually("nothing is queued", LIMIT, || async {
        disk.count("notifier.db", "notifications WHERE state = 'queued'").await == 0
    })
    .await;
    // Of one update in the order of its user's, and each once but for repeats with the same Message-ID.
    for (reader, updates) in updates_by_reader(&sink.mails().await) {
        assert!(updates.is_sorted(), "{reader}: {updates:?}");
    }
    assert_eq!(disk.count("users.db", "deadOutbox").await, 0);
    assert_eq!(disk.count("notifier.db", "notifications WHERE state = 'dead'").await, 0);
    process.stop(STOP_LIMIT).await;
}
