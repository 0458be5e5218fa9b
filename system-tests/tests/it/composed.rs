//! What `docker compose up` starts, as plain processes on servers like those in it. The commands, variables, health checks and
//! secrets are read from `docker-compose.yml` and made by `scripts/make-secrets`; only where the servers are is changed.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use system_tests::{
    Account, OwnServer, ReceivedMail, ServiceProcess, SmtpSink, eventually, refusal_of, run_to_end,
};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);
/// Where containers find secrets, and each server.
const SECRETS: &str = "/run/secrets";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// `docker-compose.yml`, and what stands in the place of its servers.
struct Composed {
    services: Value,
    folder: TempDir,
    /// What is written in it, and what that is here.
    replaced: Vec<(String, String)>,
    mysql: OwnServer,
    _kafka: OwnServer,
    sink: SmtpSink,
}

impl Composed {
    /// With the servers started. `None` when one cannot be had.
    async fn with_servers() -> Option<Self> {
        let text = std::fs::read_to_string(root().join("docker-compose.yml")).unwrap();
        let compose: Value = serde_saphyr::from_str(&text).unwrap();
        let services = compose["services"].clone();
        let options: Vec<_> =
            services["mysql"]["command"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        let mysql = OwnServer::mysql(&options).await?;
        let kafka = OwnServer::kafka().await?;
        let sink = SmtpSink::start().await;
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new(root().join("scripts/make-secrets")).arg(folder.path()).status().unwrap();
        assert!(made.success());
        let replaced = vec![
            (SECRETS.to_owned(), folder.path().to_str().unwrap().to_owned()),
            ("mysql:3306".to_owned(), format!("127.0.0.1:{}", mysql.port())),
            ("kafka:9092".to_owned(), kafka.address()),
            ("smtp://mailpit:1025".to_owned(), sink.url()),
        ];
        let mut composed = Self { services, folder, replaced, mysql, _kafka: kafka, sink };
        for file in std::fs::read_dir(composed.folder.path()).unwrap() {
            let file = file.unwrap().path();
            std::fs::write(&file, composed.here(&std::fs::read_to_string(&file).unwrap())).unwrap();
        }
        composed.listen_at_free_ports();
        Some(composed)
    }

    /// Every address to listen at becomes one that is free here: containers have an address of their own each.
    fn listen_at_free_ports(&mut self) {
        for service in self.services.as_object_mut().unwrap().values_mut() {
            for (name, value) in service["environment"].as_object_mut().into_iter().flatten() {
                if name.ends_with("_LISTEN") {
                    let free = TcpListener::bind("127.0.0.1:0").unwrap();
                    *value = free.local_addr().unwrap().to_string().into();
                }
            }
        }
    }

    fn here(&self, text: &str) -> String {
        let text = match text.strip_prefix("${").and_then(|text| text.strip_suffix('}')) {
            // No variable of compose is set.
            Some(variable) => variable.split_once(":-").unwrap_or_else(|| panic!("{text} has no default")).1,
            None => text,
        };
        self.replaced.iter().fold(text.to_owned(), |text, (written, here)| text.replace(written, here))
    }

    /// The program and the subcommand of a service, and its variables.
    fn start_of(&self, name: &str) -> ([String; 2], BTreeMap<String, String>) {
        let service = &self.services[name];
        let words: Vec<_> =
            service["command"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        let [program, subcommand] = words[..] else { panic!("{name}: {words:?}") };
        let variables = service["environment"].as_object().unwrap().iter();
        let variables = variables.map(|(name, value)| (name.clone(), self.here(value.as_str().unwrap())));
        ([program, subcommand].map(str::to_owned), variables.collect())
    }

    /// Runs a step that makes accounts: its files, with the passwords that it is given.
    async fn make_accounts(&self, step: &str) {
        let mut root_of_mysql = MySqlConnection::connect(&self.mysql.address()).await.unwrap();
        for name in self.services[step]["command"].as_array().unwrap() {
            let name = name.as_str().unwrap();
            let sql = std::fs::read_to_string(root().join(format!("deploy/mysql/{name}.sql"))).unwrap();
            let password =
                std::fs::read_to_string(self.folder.path().join(format!("{name}-password"))).unwrap();
            let sql = AssertSqlSafe(sql.replace("CHANGE-ME", password.trim_end()));
            root_of_mysql.execute(sql).await.unwrap_or_else(|error| panic!("{name}.sql: {error}"));
        }
    }

    fn run_step(&self, name: &str) {
        let ([program, subcommand], variables) = self.start_of(name);
        run_to_end(&program, &subcommand, &borrowed(&variables));
    }

    /// Starts a service, with some variables changed, and waits until its health check finds it well.
    async fn start(&self, name: &str, changed: &[(&str, &str)]) -> ServiceProcess {
        let ([program, subcommand], mut variables) = self.start_of(name);
        variables.extend(changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let log = format!("{name}-{}", changed.len());
        let process =
            ServiceProcess::start(self.folder.path(), &log, &program, &subcommand, &borrowed(&variables));
        if let Some([checks, check]) = self.health_check_of(name) {
            eventually(&format!("{name} is well"), LIMIT, || async {
                Command::new(built(&checks))
                    .arg(&check)
                    .env_clear()
                    .envs(&variables)
                    .output()
                    .unwrap()
                    .status
                    .success()
            })
            .await;
        }
        process
    }

    /// That of compose, or else of the image; `None` where it is switched off.
    fn health_check_of(&self, name: &str) -> Option<[String; 2]> {
        let words: Vec<String> = match &self.services[name]["healthcheck"] {
            Value::Null => {
                let image = std::fs::read_to_string(root().join("Dockerfile")).unwrap();
                let line = image.lines().find(|line| line.starts_with("HEALTHCHECK ")).unwrap();
                serde_json::from_str(line.split_once("CMD ").unwrap().1).unwrap()
            }
            check if check["disable"] == true => return None,
            check => {
                let words = check["test"].as_array().unwrap().iter();
                words.skip(1).map(|word| word.as_str().unwrap().to_owned()).collect()
            }
        };
        let [program, subcommand] = &words[..] else { panic!("{name}: {words:?}") };
        Some([program.rsplit('/').next().unwrap().to_owned(), subcommand.clone()])
    }

    async fn mails_to(&self, name: &str) -> Vec<ReceivedMail> {
        let mut mails = self.sink.mails().await;
        mails.retain(|mail| mail.to.starts_with(&format!("{name}@")));
        mails
    }
}

fn borrowed(variables: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// As cargo built it for this test run.
fn built(program: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join(program)
}

#[tokio::test]
async fn what_compose_starts_ends_with_a_mail_for_each_change() {
    let Some(composed) = Composed::with_servers().await else { return };
    composed.make_accounts("accounts").await;
    // A program does not start where nothing was migrated.
    let ([program, subcommand], variables) = composed.start_of("user-service");
    let said = refusal_of(&program, &subcommand, &borrowed(&variables));
    assert!(said.contains("user-service migrate"), "{said}");
    for step in ["user-service-migrate", "notifier-migrate"] {
        composed.run_step(step);
    }
    composed.make_accounts("capture-account").await;
    let (_api, relay, _notifier) = (
        composed.start("user-service", &[]).await,
        composed.start("relay", &[]).await,
        composed.start("notifier-service", &[]).await,
    );

    let (_, variables) = composed.start_of("user-service");
    let users = format!("http://{}/users", variables["USER_SERVICE_LISTEN"]);
    let body = json!({ "username": "ada", "email": "ada@example.org", "fullName": "Ada Lovelace" });
    let ada = Account::register(&users, body).await;
    let answer = ada.patch(&users, &json!({ "fullName": "Ada King" })).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    eventually("two mails", LIMIT, || async { composed.mails_to("ada").await.len() == 2 }).await;

    // The operator's page is where compose lets it be reached, and asks for the token.
    let (_, variables) = composed.start_of("notifier-service");
    let page = format!("http://{}/", variables["NOTIFIER_OPERATOR_LISTEN"]);
    let token = std::fs::read_to_string(&variables["NOTIFIER_OPERATOR_TOKEN_FILE"]).unwrap();
    let ledger = format!("{page}api/mails");
    let client = reqwest::Client::new();
    assert_eq!(client.get(&ledger).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let answer = client.get(&ledger).bearer_auth(token.trim_end()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);

    // The account of the relay may do all that each way of capturing asks for.
    relay.stop(LIMIT).await;
    let relay = composed.start("relay", &[("USER_SERVICE_CAPTURE", "users-table")]).await;
    relay.logged("following the binary log", LIMIT).await;
    let mut root_of_mysql = MySqlConnection::connect(&composed.mysql.address()).await.unwrap();
    root_of_mysql.execute("UPDATE userdata.users SET fullName = 'By SQL'").await.unwrap();
    eventually("a mail about it", LIMIT, || async { composed.mails_to("ada").await.len() == 3 }).await;
}
