use std::path::PathBuf;

use serde_json::{Map, Value};
use shared_kernel::SigningKeys;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use user_service::composition;
use user_service::config::{ApiConfig, DatabaseUrl, PasswordConfig, UserServiceConfig};
use user_service::data_sources::Argon2Cost;
use user_service::transport::http::RateSettings;

const PASSWORD: &str = "correct horse battery";

/// Fields that a patch sets as they are given, once they are accepted.
const PLAIN: [&str; 3] = ["fullName", "dateOfBirth", "locale"];

/// user-service with one account, on a database of its own, and a connection to it.
pub(crate) struct Target {
    runtime: Runtime,
    connection: BufStream<TcpStream>,
    path: String,
    authorization: String,
    _folder: TempDir,
}

impl Target {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime can be started");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let database = folder.path().join("users.db");
        let connection = runtime.block_on(serve(database));
        let mut target =
            Self { runtime, connection, path: String::new(), authorization: String::new(), _folder: folder };
        let account = format!(r#"{{"username":"ada","email":"ada@example.org","password":"{PASSWORD}"}}"#);
        let (status, user) = target.ask("POST /users", "application/json", account.as_bytes());
        assert_eq!(status, 201, "{user}");
        let login = format!(r#"{{"login":"ada@example.org","password":"{PASSWORD}"}}"#);
        let (status, session) = target.ask("POST /sessions", "application/json", login.as_bytes());
        assert_eq!(status, 201, "{session}");
        target.path = format!("/users/{}", user["id"].as_str().expect("an id"));
        target.authorization =
            format!("Authorization: Bearer {}\r\n", session["accessToken"].as_str().expect("a token"));
        target
    }

    /// A patch is done or refused, and what is done is what RFC 7396 says of the fields that it names.
    pub(crate) fn check(&mut self, data: &[u8]) {
        let path = self.path.clone();
        let (_, before) = self.ask(&format!("GET {path}"), "application/json", b"");
        let (status, answer) = self.ask(&format!("PATCH {path}"), "application/merge-patch+json", data);
        let (_, after) = self.ask(&format!("GET {path}"), "application/json", b"");
        if status != 200 {
            assert!((400..500).contains(&status), "{status}: {answer}");
            assert_eq!(answer["status"], status, "a refusal is a problem: {answer}");
            assert_eq!(after, before, "a refused patch changes nothing");
            return;
        }
        assert_eq!(after, answer);
        let patch: Map<String, Value> =
            serde_json::from_slice(data).expect("what was done is an object of JSON");
        for field in PLAIN {
            let wanted = patch.get(field).unwrap_or(&before[field]);
            assert_eq!(trimmed(&after[field]), trimmed(wanted), "{field}");
        }
        for field in ["id", "createdAt", "role", "status"] {
            assert_eq!(after[field], before[field], "{field}");
        }
    }

    /// Status and body of an answer.
    fn ask(&mut self, what: &str, content_type: &str, body: &[u8]) -> (u16, Value) {
        let Self { runtime, connection, authorization, .. } = self;
        let mut request = format!("{what} HTTP/1.1\r\nHost: localhost\r\n{authorization}").into_bytes();
        if !what.starts_with("GET") {
            let body = format!("Content-Type: {content_type}\r\nContent-Length: {}\r\n", body.len());
            request.extend(body.as_bytes());
        }
        request.extend(b"\r\n");
        if !what.starts_with("GET") {
            request.extend(body);
        }
        runtime.block_on(async {
            connection.write_all(&request).await.expect("the service reads");
            connection.flush().await.expect("the service reads");
            answer(connection).await
        })
    }
}

fn trimmed(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| Value::String(text.trim().to_owned()))
}

async fn serve(database: PathBuf) -> BufStream<TcpStream> {
    let mut api = ApiConfig::new(
        SigningKeys::parse("session-key-of-the-fuzzer-0123456789").expect("a key of 36 characters is taken"),
        SigningKeys::parse("action-key-of-the-fuzzer-0123456789").expect("a key of 35 characters is taken"),
    );
    let cost = Argon2Cost { memory_kib: 64, iterations: 1, parallelism: 1 };
    api.passwords = PasswordConfig { cost, ..PasswordConfig::default() };
    api.http.rates = RateSettings { per_address_per_minute: 0, per_account_per_minute: 0 };
    let config =
        UserServiceConfig { api: Some(api), ..UserServiceConfig::new(DatabaseUrl::Sqlite(database)) };
    composition::migrate(&config).await.expect("an empty file can be migrated");
    let service = composition::build(config).await.expect("the settings are fine");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move { service.serve(listener, CancellationToken::new()).await });
    let stream = TcpStream::connect(address).await.expect("the service listens");
    stream.set_nodelay(true).expect("a socket has that option");
    BufStream::new(stream)
}

async fn answer(connection: &mut BufStream<TcpStream>) -> (u16, Value) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.expect("the service answers"));
    }
    let head = String::from_utf8(head).expect("a head is ASCII").to_ascii_lowercase();
    let status = head[9..12].parse().expect("a status has three digits");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().expect("a length is a number"));
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.expect("the whole body comes");
    assert!(!String::from_utf8_lossy(&body).contains("argon2"), "the hash of a password is in an answer");
    (status, serde_json::from_slice(&body).unwrap_or_default())
}
