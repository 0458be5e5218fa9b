//! The pair on servers that let in only who shows a certificate: MySQL (`REQUIRE X509`), and Kafka with a password as well.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;
use sqlx::mysql::MySqlConnection;
use sqlx::{Connection, Executor};
use system_tests::{Account, OwnServer, ServiceProcess, eventually, refusal_of, run_to_end};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::deployment::{Deployment, Servers};
use super::world::LIMIT;

const ACCOUNT: &str = "inf-user";
const SECRET: &str = "a secret";

/// Two authorities, and what the first vouches for, as files: `ca.pem`, `other-ca.pem`, `server.pem` (key and
/// certificate), `server-certificate.pem`, `server-key.pem`, `client.pem`, `client.key`.
fn certificates() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap().pem(), Issuer::new(params, key))
    };
    let (other, _nobody) = authority("another authority");
    let (ours, issuer) = authority("the authority of the servers");
    write("other-ca.pem", &other);
    write("ca.pem", &ours);
    let certified = |name: &str| {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
    };
    let (certificate, key) = certified("127.0.0.1");
    write("server.pem", &format!("{key}{certificate}"));
    write("server-certificate.pem", &certificate);
    write("server-key.pem", &key);
    let (certificate, key) = certified(ACCOUNT);
    write("client.pem", &certificate);
    write("client.key", &key);
    write("password", SECRET);
    write("other-password", "another secret");
    folder
}

fn file(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

/// The variables for Kafka, of both services.
fn kafka_variables(folder: &Path, broker: &str) -> Vec<(&'static str, String)> {
    let of = |broker_url, ca, certificate, key, username, password| {
        [
            (broker_url, broker.to_owned()),
            (ca, file(folder, "ca.pem")),
            (certificate, file(folder, "client.pem")),
            (key, file(folder, "client.key")),
            (username, ACCOUNT.to_owned()),
            (password, file(folder, "password")),
        ]
    };
    let user_service = of(
        "USER_SERVICE_BROKER_URL",
        "USER_SERVICE_KAFKA_CA_FILE",
        "USER_SERVICE_KAFKA_CERTIFICATE_FILE",
        "USER_SERVICE_KAFKA_KEY_FILE",
        "USER_SERVICE_KAFKA_USERNAME",
        "USER_SERVICE_KAFKA_PASSWORD_FILE",
    );
    let notifier = of(
        "NOTIFIER_BROKER_URL",
        "NOTIFIER_KAFKA_CA_FILE",
        "NOTIFIER_KAFKA_CERTIFICATE_FILE",
        "NOTIFIER_KAFKA_KEY_FILE",
        "NOTIFIER_KAFKA_USERNAME",
        "NOTIFIER_KAFKA_PASSWORD_FILE",
    );
    [user_service, notifier].concat()
}

/// The MySQL that its root sees, and the URL of an account that has every right and must show a certificate.
async fn secured_mysql(folder: &Path) -> Option<(OwnServer, String)> {
    let option = |name: &str, of: &str| format!("--ssl-{name}={}", file(folder, of));
    let options =
        [option("ca", "ca.pem"), option("cert", "server-certificate.pem"), option("key", "server-key.pem")];
    let mysql = OwnServer::mysql(&options.each_ref().map(String::as_str)).await?;
    let mut root = MySqlConnection::connect(&mysql.address()).await.unwrap();
    root.execute("CREATE USER strict@'127.0.0.1' IDENTIFIED BY 'secret' REQUIRE X509").await.unwrap();
    root.execute("GRANT ALL ON *.* TO strict@'127.0.0.1'").await.unwrap();
    let url = format!(
        "mysql://strict:secret@127.0.0.1:{}?ssl-mode=VERIFY_IDENTITY&ssl-ca={}&ssl-cert={}&ssl-key={}",
        mysql.port(),
        file(folder, "ca.pem"),
        file(folder, "client.pem"),
        file(folder, "client.key"),
    );
    Some((mysql, url))
}

/// What changes nothing else than one setting, and what is said of it then.
struct Refusal {
    variable: &'static str,
    value: Option<String>,
    said: &'static [&'static str],
}

// Programs run to their end here, one of them with the mail server in this process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_demand_certificates_and_passwords_let_us_in_and_nobody_else() {
    let certificates = certificates();
    let folder = certificates.path();
    let Some(kafka) = OwnServer::secured_kafka(folder, ACCOUNT, SECRET).await else { return };
    let Some((_mysql, database)) = secured_mysql(folder).await else { return };
    let broker = format!("kafka://127.0.0.1:{}", kafka.secured_port());
    let variables = kafka_variables(folder, &broker);
    let told: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let servers =
        Servers { userdata: database.clone(), notifier: database.clone(), brokers: kafka.address() };
    let deployment = Deployment::start_on("secured", servers, &told).await;

    // Migrated, told of a change by the binlog, published, consumed, recorded and mailed.
    let body = json!({ "username": "ada", "email": "ada@secured.example" });
    Account::register(&deployment.users, body).await;
    eventually("the mail", LIMIT, || async { deployment.sink.count().await == 1 }).await;

    // Only one setting at a time is wrong.
    let doctor = deployment.variables();
    run_to_end("user-service", "doctor", &doctor);
    run_to_end("notifier-service", "doctor", &doctor);
    let wrong = |variable, value: &str, said| Refusal { variable, value: Some(value.to_owned()), said };
    let without_certificate = deployment.userdata.url().split("&ssl-cert").next().unwrap().to_owned();
    let other_authority = deployment.userdata.url().replace("/ca.pem", "/other-ca.pem");
    let in_the_clear = format!("kafka://127.0.0.1:{}", kafka.secured_port());
    let refusals = [
        wrong(
            "USER_SERVICE_KAFKA_CA_FILE",
            &file(folder, "other-ca.pem"),
            &["broker-url", "certificate verify failed"],
        ),
        wrong(
            "USER_SERVICE_KAFKA_PASSWORD_FILE",
            &file(folder, "other-password"),
            &["broker-url", "SASL authentication error", "invalid credentials"],
        ),
        wrong("USER_SERVICE_KAFKA_MECHANISM", "SCRAM-SHA-256", &["broker-url", "SCRAM-SHA-256"]),
        wrong("USER_SERVICE_KAFKA_KEY_FILE", &file(folder, "server-key.pem"), &["kafka-key-file"]),
        wrong("USER_SERVICE_DATABASE_URL", &without_certificate, &["database-url", "Access denied"]),
        wrong("USER_SERVICE_DATABASE_URL", &other_authority, &["database-url", "invalid peer certificate"]),
    ];
    let mut tries = Vec::new();
    for Refusal { variable, value, said } in refusals {
        let mut variables: Vec<_> =
            doctor.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        variables.retain(|(name, _)| name != variable);
        variables.extend(value.map(|value| (variable.to_owned(), value)));
        tries.push((variable, said, variables));
    }
    // As somebody who knows nothing of all this, and as somebody who has no certificate.
    let clear = ("USER_SERVICE_BROKER_URL".to_owned(), in_the_clear);
    let database = ("USER_SERVICE_DATABASE_URL".to_owned(), deployment.userdata.url().to_owned());
    tries.push((
        "no setting",
        &["broker-url", "does this port expect TLS?"],
        vec![clear.clone(), database.clone()],
    ));
    let authority = ("USER_SERVICE_KAFKA_CA_FILE".to_owned(), file(folder, "ca.pem"));
    tries.push(("no certificate", &["broker-url", "bad certificate"], vec![clear, database, authority]));
    let mut tried = Vec::new();
    for (what, said, variables) in tries {
        tried.push((
            what,
            said,
            spawn_blocking(move || {
                let variables: Vec<_> =
                    variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                refusal_of("user-service", "migrate", &variables)
            }),
        ));
    }

    // Those that run go on trying, and say why in the log.
    let strangers = tempfile::tempdir().unwrap();
    let mut stranger: Vec<_> = deployment.variables();
    let other_password = file(folder, "other-password");
    stranger.push(("NOTIFIER_KAFKA_PASSWORD_FILE", &other_password));
    let notifier = ServiceProcess::start(strangers.path(), "run", "notifier-service", "run", &stranger);
    notifier.logged("invalid credentials", LIMIT).await;

    for (what, said, tried) in tried {
        let answer = tried.await.unwrap();
        for text in said {
            assert!(answer.contains(text), "{what}: {text:?} is not in {answer}");
        }
    }
    deployment.stop().await;
}
