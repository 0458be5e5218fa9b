//! The pair with everything around it: servers, proxies, and two replicas of each process.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::evidence::Leftovers;
use super::fault::{Fault, Link, Role, Server};
use super::mail_server::MailServer;
use super::proxy::Proxy;
use super::replica::Replica;
use super::settings::Settings;
use crate::database::TestDatabase;
use crate::kafka_topic::KafkaTopic;
use crate::own_server::OwnServer;
use crate::service_process::run_to_end;
use crate::wait::eventually;

const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a server may take to stop when it is asked to.
const SERVER_STOP_LIMIT: Duration = Duration::from_secs(20);

/// All of it. What is started ends with the value.
pub(crate) struct Pair {
    pub(crate) mail: Arc<MailServer>,
    pub(crate) userdata: TestDatabase,
    pub(crate) ledger: TestDatabase,
    topic: String,
    brokers: String,
    replicas: Vec<Mutex<Replica>>,
    proxies: Vec<(Link, Mutex<Proxy>)>,
    mail_trouble: Mutex<()>,
    /// The file by which user-service's clock is set.
    clock: Mutex<PathBuf>,
    database: Mutex<OwnServer>,
    kafka: Mutex<OwnServer>,
    logs: PathBuf,
    began: Instant,
}

impl Pair {
    /// Starts everything and waits until it is at work.
    ///
    /// # Panics
    ///
    /// When it does not come to that.
    pub(crate) async fn start(settings: &Settings, binaries: &Path, logs: &Path) -> Self {
        let began = Instant::now();
        let mail = Arc::new(MailServer::start(began).await);
        let links = [Link::Accounts, Link::Ledger, Link::Kafka, Link::Mail(0), Link::Mail(1)];
        let [accounts, to_ledger, to_kafka, to_mail, other_to_mail] = [
            Proxy::start().await,
            Proxy::start().await,
            Proxy::start().await,
            Proxy::start().await,
            Proxy::start().await,
        ];
        let advertised = to_kafka.port().to_string();
        let kafka_options = [advertised.as_str()];
        let (database, kafka) = tokio::join!(
            OwnServer::start_here(settings.database.server(), &[]),
            OwnServer::start_here(crate::servers::Server::Kafka, &kafka_options),
        );
        accounts.lead_to(database.port());
        to_ledger.lead_to(database.port());
        to_kafka.lead_to(kafka.port());
        to_mail.lead_to(mail.ports()[0]);
        other_to_mail.lead_to(mail.ports()[1]);

        let userdata = TestDatabase::create(&database.address(), "userdata").await;
        let ledger = TestDatabase::create(&database.address(), "notifier").await;
        let topic = KafkaTopic::named(&kafka.address(), "faults").name().to_owned();
        let through = |proxy: &Proxy, database: &TestDatabase| {
            format!("mysql://root@127.0.0.1:{}/{}", proxy.port(), database.name())
        };
        let mut variables = settings.variables();
        let clock = logs.join("clock");
        set(&clock, 0);
        variables
            .push(("INF_USER_CLOCK_FILE", clock.to_str().expect("paths of logs are plain text").to_owned()));
        variables.extend([
            ("USER_SERVICE_DATABASE_URL", through(&accounts, &userdata)),
            ("USER_SERVICE_BROKER_URL", format!("kafka://127.0.0.1:{advertised}")),
            ("USER_SERVICE_TOPIC", topic.clone()),
            ("NOTIFIER_DATABASE_URL", through(&to_ledger, &ledger)),
            ("NOTIFIER_BROKER_URL", format!("kafka://127.0.0.1:{advertised}")),
            ("NOTIFIER_TOPIC", topic.clone()),
            ("NOTIFIER_CONSUMER_GROUP", topic.clone()),
        ]);
        for binary in ["user-service", "notifier-service"] {
            migrate(binaries.join(binary), variables.clone()).await;
        }
        let mail_ports = [to_mail.port(), other_to_mail.port()];
        let api_ports = free_ports();
        let replicas =
            [Role::Serve, Role::Relay, Role::Notifier].into_iter().flat_map(|role| [(role, 0), (role, 1)]);
        let replicas = replicas.map(|(role, number)| {
            let mut variables = variables.clone();
            variables.push(("USER_SERVICE_LISTEN", format!("127.0.0.1:{}", api_ports[number])));
            variables.push(("NOTIFIER_SMTP_URL", format!("smtp://127.0.0.1:{}", mail_ports[number])));
            let binary =
                binaries.join(if role == Role::Notifier { "notifier-service" } else { "user-service" });
            let logs = logs.to_owned();
            Mutex::new(Replica { role, number, binary, variables, logs, starts: 0, process: None })
        });
        let pair = Self {
            mail,
            userdata,
            ledger,
            topic,
            brokers: kafka.address(),
            replicas: replicas.collect(),
            proxies: links
                .into_iter()
                .zip([accounts, to_ledger, to_kafka, to_mail, other_to_mail].map(Mutex::new))
                .collect(),
            mail_trouble: Mutex::new(()),
            clock: Mutex::new(clock),
            database: Mutex::new(database),
            kafka: Mutex::new(kafka),
            logs: logs.to_owned(),
            began,
        };
        pair.keep_alive();
        pair.is_at_work(&api_ports).await;
        pair
    }

    async fn is_at_work(&self, api_ports: &[u16; 2]) {
        eventually("the API is there and a relay follows the log", START_LIMIT, || async {
            let reachable =
                api_ports.iter().all(|port| std::net::TcpStream::connect(("127.0.0.1", *port)).is_ok());
            let mut follows = false;
            for number in [0, 1] {
                follows |=
                    self.replica(Role::Relay, number).lock().await.has_logged("following the binary log");
            }
            reachable && follows
        })
        .await;
    }

    /// `http://…` of each replica that serves.
    pub(crate) async fn apis(&self) -> [String; 2] {
        let mut apis = [String::new(), String::new()];
        for (number, api) in apis.iter_mut().enumerate() {
            let replica = self.replica(Role::Serve, number).lock().await;
            let listen = replica.variables.iter().find(|(name, _)| *name == "USER_SERVICE_LISTEN");
            *api = format!("http://{}", listen.expect("it was set").1);
        }
        apis
    }

    /// Time since the beginning.
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn replica(&self, role: Role, number: usize) -> &Mutex<Replica> {
        let first = match role {
            Role::Serve => 0,
            Role::Relay => 2,
            Role::Notifier => 4,
        };
        &self.replicas[first + number]
    }

    /// Starts what has ended by itself, as one does that finds no database when it starts.
    pub(crate) fn keep_alive(&self) {
        Self::start_what_ended(&self.replicas);
    }

    /// When there is nobody to ask any more.
    pub(crate) fn keep_all_but_the_api_alive(&self) {
        Self::start_what_ended(&self.replicas[2..]);
    }

    fn start_what_ended(replicas: &[Mutex<Replica>]) {
        for replica in replicas {
            // One that a fault has in hand is started by that.
            if let Ok(mut replica) = replica.try_lock() {
                replica.keep_alive();
            }
        }
    }

    /// Lets that go wrong, and puts it right. Returns when it began: what it happens to may be in another fault's hands.
    pub(crate) async fn suffer(&self, fault: Fault) -> Duration {
        match fault {
            Fault::Kill(role, number, away) => {
                let mut replica = self.replica(role, number).lock().await;
                let began = self.now();
                replica.kill(away).await;
                began
            }
            Fault::Restart(role, number) => {
                let mut replica = self.replica(role, number).lock().await;
                let began = self.now();
                replica.restart().await;
                began
            }
            Fault::Stop(role, number, time) => {
                let mut replica = self.replica(role, number).lock().await;
                let began = self.now();
                replica.freeze(time).await;
                began
            }
            Fault::KillServer(server, away) => {
                let mut server = self.server(server).lock().await;
                let began = self.now();
                server.kill();
                self.keep_log_of(&server, began);
                sleep(away).await;
                server.start_again().await;
                began
            }
            Fault::RestartServer(server) => {
                let mut server = self.server(server).lock().await;
                let began = self.now();
                server.shut_down(SERVER_STOP_LIMIT).await;
                self.keep_log_of(&server, began);
                server.start_again().await;
                began
            }
            Fault::Wire(link, wiring, time) => {
                let (_, proxy) =
                    self.proxies.iter().find(|(known, _)| *known == link).expect("every link has a proxy");
                let proxy = proxy.lock().await;
                let began = self.now();
                proxy.suffer(wiring, time).await;
                began
            }
            Fault::Clock(seconds, time) => {
                let clock = self.clock.lock().await;
                let began = self.now();
                set(&clock, i64::from(seconds) * 1000);
                sleep(time).await;
                set(&clock, 0);
                began
            }
            Fault::Mail(stage, trouble, time) => {
                let _alone = self.mail_trouble.lock().await;
                let began = self.now();
                self.mail.make_trouble(stage, trouble, time).await;
                began
            }
        }
    }

    fn server(&self, server: Server) -> &Mutex<OwnServer> {
        match server {
            Server::Database => &self.database,
            Server::Kafka => &self.kafka,
        }
    }

    fn keep_log_of(&self, server: &OwnServer, at: Duration) {
        server.copy_log(&self.logs.join(format!("{}-until-{}s.log", server.name(), at.as_secs())));
    }

    /// Stops what serves: no request is under way any more.
    pub(crate) async fn stop_serving(&self) {
        for number in [0, 1] {
            self.replica(Role::Serve, number).lock().await.stop().await;
        }
    }

    /// Stops everything of ours, and keeps the servers' logs.
    pub(crate) async fn stop(&self) {
        for replica in &self.replicas {
            replica.lock().await.stop().await;
        }
        for server in [&self.database, &self.kafka] {
            self.keep_log_of(&*server.lock().await, self.now());
        }
    }

    /// What is left to be done; `None` while the brokers cannot tell.
    pub(crate) async fn left(&self) -> Option<Leftovers> {
        let (brokers, name) = (self.brokers.clone(), self.topic.clone());
        // It blocks, and panics when the brokers do not answer.
        let on_kafka = tokio::task::spawn_blocking(move || {
            let topic = KafkaTopic::existing(&brokers, &name);
            topic.lag(&name).map(|lag| (lag, topic.dead_letters().len()))
        });
        let (lag, dead_letters) = on_kafka.await.ok()??;
        Some(Leftovers {
            outbox: self.userdata.count("outbox").await,
            dead_outbox: self.userdata.count("deadOutbox").await,
            lag,
            queued: self.ledger.count("notifications WHERE state = 'queued'").await,
            dead: self.ledger.count("notifications WHERE state = 'dead'").await,
            dead_letters: i64::try_from(dead_letters).unwrap_or(i64::MAX),
        })
    }
}

/// Makes user-service's clock wrong by that.
fn set(clock: &Path, milliseconds: i64) {
    std::fs::write(clock, milliseconds.to_string()).expect("the folder of logs can be written");
}

/// On a thread of its own, since the proxies must go on meanwhile.
async fn migrate(binary: PathBuf, variables: Vec<(&'static str, String)>) {
    let migrate = move || {
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        run_to_end(binary.to_str().expect("paths of builds are plain text"), "migrate", &variables);
    };
    tokio::task::spawn_blocking(migrate).await.expect("the migration succeeds");
}

/// Two ports below those that the system hands out by itself, so that nobody takes one while its process is dead.
fn free_ports() -> [u16; 2] {
    let first = 12_000 + u16::try_from(std::process::id() % 7_000).expect("it is below 7000");
    let mut free = (first..).filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    [free.next(), free.next()].map(|port| port.expect("some port is free"))
}
