//! Runs a campaign: load, faults, the end of both, and the evidence.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::Connection;
use sqlx::mysql::MySqlConnection;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::client::{World, live, rename_by_sql};
use super::evidence::{Answer, Change, Disturbance, Evidence, Key, Kind, Leftovers, LifeRecord, Row, What};
use super::oracle::judge;
use super::pair::Pair;
use super::plan::Plan;
use super::settings::Settings;
use super::verdict::Verdict;

/// How many people use the API at once.
const CLIENTS: usize = 16;
/// How often processes that have ended by themselves are started again.
const SUPERVISION: Duration = Duration::from_millis(500);
const PROGRESS: Duration = Duration::from_secs(5);
/// How long what was asked for may take to be done when nothing breaks any more: sessions and leases of the dead end
/// within a quarter of a minute, and then everything goes out.
const SETTLED_WITHIN: Duration = Duration::from_secs(150);
/// Nothing may have moved for that long.
const QUIET: Duration = Duration::from_secs(2);

/// What is going on, for the lines of progress.
#[derive(Default)]
struct Progress {
    begun: AtomicUsize,
    over: AtomicUsize,
}

/// Runs the campaign and tells how it was on the way.
///
/// # Panics
///
/// When a server or a service does not start. Everything that was started ends with the future, also when it is dropped.
pub async fn run(settings: Settings) -> Verdict {
    let began = Instant::now();
    std::fs::create_dir_all(&settings.logs).expect("the folder of logs can be made");
    let plan = Arc::new(Plan::of(settings.seed, settings.length, settings.with_sql()));
    let journal = Arc::new(Journal::in_folder(&settings.logs));
    journal.say(&format!(
        "seed {}: {} faults in {:?}, {} with {}; logs in {}",
        settings.seed,
        plan.faults.len(),
        settings.length,
        settings.database.name(),
        settings.capture,
        settings.logs.display()
    ));
    let pair = Arc::new(Pair::start(&settings, &settings.binaries, &settings.logs).await);
    journal.say(&format!("everything is at work after {:.0?}", began.elapsed()));

    let world = Arc::new(World {
        apis: pair.apis().await,
        mail: Arc::clone(&pair.mail),
        database: pair.userdata.url().to_owned(),
        over: CancellationToken::new(),
        acknowledged: AtomicUsize::new(0),
        unknown: AtomicUsize::new(0),
    });
    let supervision = AbortOnDropHandle::new(tokio::spawn({
        let pair = Arc::clone(&pair);
        async move {
            loop {
                sleep(SUPERVISION).await;
                pair.keep_alive();
            }
        }
    }));
    let progress = Arc::new(Progress::default());
    let telling = tell(
        Arc::clone(&pair),
        Arc::clone(&world),
        Arc::clone(&progress),
        Arc::clone(&journal),
        plan.faults.len(),
    );
    let telling = AbortOnDropHandle::new(tokio::spawn(telling));
    let load = AbortOnDropHandle::new(tokio::spawn(load(Arc::clone(&world), Arc::clone(&plan))));
    let ending = AbortOnDropHandle::new(tokio::spawn({
        let (over, length) = (world.over.clone(), settings.length);
        async move {
            sleep(length).await;
            over.cancel();
        }
    }));
    let disturbances = inject(&pair, &plan, &progress, &journal).await;
    ending.await.expect("it only waits");
    journal.say("no more faults; the clients finish what they have begun");
    let mut lives = load.await.expect("a client does not panic");
    drop(supervision);
    pair.keep_alive();
    pair.stop_serving().await;
    if settings.with_sql() {
        lives.push(last_words(&pair).await);
    }
    journal.say("the clients are done; waiting until nothing moves any more");
    let left = settle(&pair, lives.last()).await;
    drop(telling);
    let evidence = gather(&pair, lives, disturbances, left).await;
    pair.stop().await;
    let mut judgement = judge(&evidence);
    judgement.violations.extend(panics(&settings.logs));

    let mut faults: BTreeMap<String, usize> = BTreeMap::new();
    for planned in &plan.faults {
        *faults.entry(planned.fault.kind()).or_default() += 1;
    }
    let verdict = Verdict { settings, faults, judgement, took: began.elapsed() };
    journal.keep("verdict.txt", &format!("{verdict}\n{:#?}", verdict.judgement.violations));
    journal.keep("evidence.txt", &format!("{evidence:#?}"));
    verdict
}

/// Lives go on side by side until it is over; returns what came of them.
async fn load(world: Arc<World>, plan: Arc<Plan>) -> Vec<LifeRecord> {
    // The first has the name that others ask for in vain, and must be there before them.
    let mut lives = vec![live(Arc::clone(&world), 0, super::life::LifePlan::none()).await];
    let next = Arc::new(AtomicUsize::new(1));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (world, plan, next) = (Arc::clone(&world), Arc::clone(&plan), Arc::clone(&next));
        clients.spawn(async move {
            let mut lives = Vec::new();
            while !world.over.is_cancelled() {
                let number = next.fetch_add(1, Ordering::Relaxed);
                lives.push(live(Arc::clone(&world), number, plan.life(number)).await);
            }
            lives
        });
    }
    while let Some(client) = clients.join_next().await {
        lives.extend(client.expect("a client does not panic"));
    }
    lives
}

/// Lets everything go wrong at its time, and returns which of it disturbed the notifiers.
async fn inject(
    pair: &Arc<Pair>,
    plan: &Plan,
    progress: &Arc<Progress>,
    journal: &Arc<Journal>,
) -> Vec<Disturbance> {
    let began = Instant::now();
    let mut faults = JoinSet::new();
    for planned in &plan.faults {
        sleep_until(began + planned.at).await;
        let (fault, pair) = (planned.fault, Arc::clone(pair));
        let (progress, journal) = (Arc::clone(progress), Arc::clone(journal));
        faults.spawn(async move {
            progress.begun.fetch_add(1, Ordering::Relaxed);
            journal.note(&format!("{:>8.2?}  {fault}", pair.now()));
            let from = pair.suffer(fault).await;
            let until = pair.now();
            journal.note(&format!("{until:>8.2?}  over: {fault}, since {from:.2?}"));
            progress.over.fetch_add(1, Ordering::Relaxed);
            Disturbance { from, until, notifiers: fault.disturbs() }
        });
    }
    let mut disturbances = Vec::new();
    while let Some(fault) = faults.join_next().await {
        disturbances.push(fault.expect("what was broken can be put right"));
    }
    disturbances.retain(|disturbance| disturbance.notifiers.contains(&true));
    disturbances
}

async fn tell(
    pair: Arc<Pair>,
    world: Arc<World>,
    progress: Arc<Progress>,
    journal: Arc<Journal>,
    faults: usize,
) {
    loop {
        sleep(PROGRESS).await;
        let (begun, over) = (progress.begun.load(Ordering::Relaxed), progress.over.load(Ordering::Relaxed));
        journal.say(&format!(
            "{:>4} s: {begun} of {faults} faults, {} of them now; {} changes answered, {} not; {} mails",
            pair.now().as_secs(),
            begun - over,
            world.acknowledged.load(Ordering::Relaxed),
            world.unknown.load(Ordering::Relaxed),
            pair.mail.count(),
        ));
    }
}

/// The last change of the log of changes: when it is told, everything before it is.
async fn last_words(pair: &Pair) -> LifeRecord {
    let (number, name) = (usize::MAX, "Last words".to_owned());
    let username = "last".to_owned();
    let to = format!("{username}@example.org");
    let insert = format!(
        "INSERT INTO users (id, username, email, password) VALUES (X'{number:032x}', '{username}', '{to}', '-')"
    );
    pair.userdata.execute(&insert).await;
    rename_by_sql(pair.userdata.url(), &username, &name).await.expect("nothing breaks any more");
    let changes = [What::Register { to: to.clone() }, What::Rename { to, name, by_sql: true }];
    let changes = changes.map(|what| Change { what, answer: Answer::Acknowledged }).into();
    LifeRecord { username, changes }
}

/// Waits until nothing is left and nothing has moved for a while, or for as long as that may take.
async fn settle(pair: &Pair, last: Option<&LifeRecord>) -> Leftovers {
    let expected: Vec<Key> = last
        .iter()
        .flat_map(|life| &life.changes)
        .filter(|change| is_by_sql(change))
        .flat_map(|change| change.what.mails())
        .collect();
    let deadline = Instant::now() + SETTLED_WITHIN;
    let (mut quiet_since, mut count) = (Instant::now(), 0);
    loop {
        let left = pair.left().await;
        let is_done = left.is_some_and(|left| left.outbox == 0 && left.lag == 0 && left.queued == 0)
            && expected.iter().all(|key| is_mailed(pair, key));
        let now = pair.mail.count();
        if !is_done || now != count {
            (quiet_since, count) = (Instant::now(), now);
        }
        if quiet_since.elapsed() >= QUIET || Instant::now() >= deadline {
            return left.unwrap_or(Leftovers { lag: i64::MAX, ..Leftovers::default() });
        }
        pair.keep_all_but_the_api_alive();
        sleep(Duration::from_millis(250)).await;
    }
}

fn is_by_sql(change: &Change) -> bool {
    matches!(change.what, What::Rename { by_sql: true, .. })
}

fn is_mailed(pair: &Pair, key: &Key) -> bool {
    debug_assert_eq!(key.kind, Kind::Updated);
    pair.mail.mails().0.iter().any(|mail| mail.told.key.as_ref() == Some(key))
}

async fn gather(
    pair: &Pair,
    lives: Vec<LifeRecord>,
    disturbances: Vec<Disturbance>,
    left: Leftovers,
) -> Evidence {
    let rows = rows(pair.userdata.url()).await.expect("nothing breaks any more");
    let (accepted, refused) = pair.mail.mails();
    Evidence { lives, rows, accepted, refused, disturbances, left }
}

async fn rows(database: &str) -> Result<HashMap<String, Row>, sqlx::Error> {
    let mut connection = MySqlConnection::connect(database).await?;
    let rows: Vec<(String, String, Option<String>, i64)> =
        sqlx::query_as("SELECT username, email, fullName, version FROM users")
            .fetch_all(&mut connection)
            .await?;
    let rows = rows
        .into_iter()
        .map(|(username, email, full_name, version)| (username, Row { email, full_name, version }));
    Ok(rows.collect())
}

/// The processes that have panicked, by their logs.
fn panics(logs: &Path) -> Vec<String> {
    let files = std::fs::read_dir(logs).expect("the folder of logs can be read");
    let texts = files.filter_map(|file| {
        let path = file.ok()?.path();
        let text = std::fs::read_to_string(&path).ok()?;
        text.lines()
            .find(|line| line.contains("panicked at"))
            .map(|line| format!("{}: {line}", path.display()))
    });
    texts.collect()
}

/// What a campaign says, on the terminal and in a file.
struct Journal {
    folder: std::path::PathBuf,
    file: std::sync::Mutex<File>,
}

impl Journal {
    fn in_folder(folder: &Path) -> Self {
        let file = File::create(folder.join("campaign.log")).expect("the folder of logs can be written");
        Self { folder: folder.to_owned(), file: std::sync::Mutex::new(file) }
    }

    /// On both.
    fn say(&self, line: &str) {
        eprintln!("{line}");
        self.note(line);
    }

    /// In the file alone.
    fn note(&self, line: &str) {
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        writeln!(file, "{line}").expect("the folder of logs can be written");
    }

    fn keep(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).expect("the folder of logs can be written");
    }
}
