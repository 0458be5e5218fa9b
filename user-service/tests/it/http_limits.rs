//! What keeps one client from taking the API away from the others, and what every answer carries.

use std::time::Duration;

use reqwest::header::HeaderMap;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use user_service::composition;
use user_service::config::{DatabaseUrl, UserServiceConfig};
use user_service::transport::http::HttpLimits;

use crate::support::api::config;
use crate::support::waiting::soon;

/// The head and the first byte of a registration whose body never comes whole.
const UNFINISHED: &[u8] =
    b"POST /users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";

struct Api {
    address: String,
    _running: DropGuard,
    _folder: TempDir,
}

impl Api {
    async fn start(limits: HttpLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = DatabaseUrl::Sqlite(folder.path().join("users.db"));
        let mut api = config();
        api.http.limits = limits;
        let config = UserServiceConfig { api: Some(api), ..UserServiceConfig::new(database) };
        composition::migrate(&config).await.unwrap();
        let service = composition::build(config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        tokio::spawn(async move { service.serve(listener, stopping).await });
        Self { address, _running: stop.drop_guard(), _folder: folder }
    }

    async fn get(&self, path: &str, header: (&'static str, &str)) -> (u16, HeaderMap, String) {
        let request = reqwest::Client::new().get(format!("http://{}{path}", self.address));
        let answer = request.header(header.0, header.1).send().await.unwrap();
        (answer.status().as_u16(), answer.headers().clone(), answer.text().await.unwrap())
    }

    /// The status of a call that does nothing, which is 401 when it is served.
    async fn call(&self) -> u16 {
        self.get("/users", ("accept", "*/*")).await.0
    }
}

/// Everything that the server says to these bytes until it closes the connection.
async fn said_to(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut said = Vec::new();
    // A connection that is reset has ended as well.
    let _ended = soon("the server closing the connection", stream.read_to_end(&mut said)).await;
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let header_timeout = Duration::from_millis(100);
    let api = Api::start(HttpLimits { header_timeout, ..HttpLimits::default() }).await;
    let said = said_to(&api.address, b"GET /users HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    assert!(!said.contains("401"), "{said}");
    assert_eq!(api.call().await, 401, "the others are served");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let request_timeout = Duration::from_millis(100);
    let api = Api::start(HttpLimits { request_timeout, ..HttpLimits::default() }).await;
    let mut stream = TcpStream::connect(&api.address).await.unwrap();
    stream.write_all(UNFINISHED).await.unwrap();
    let mut answer = [0; 12];
    soon("an answer", stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 503");
}

#[tokio::test]
async fn a_request_too_many_is_refused_at_once_until_another_is_done() {
    let api = Api::start(HttpLimits { max_requests: 1, ..HttpLimits::default() }).await;
    let mut first = TcpStream::connect(&api.address).await.unwrap();
    first.write_all(UNFINISHED).await.unwrap();
    soon("the refusal", async { while api.call().await != 503 {} }).await;
    let (status, headers, body) = api.get("/users", ("accept", "*/*")).await;
    assert_eq!((status, headers["retry-after"].to_str().unwrap()), (503, "1"));
    assert!(body.contains("/problems/unavailable"), "{body}");
    assert_eq!(api.get("/health/live", ("accept", "*/*")).await.0, 200, "a busy process is alive");
    drop(first);
    soon("room", async { while api.call().await != 401 {} }).await;
}

#[tokio::test]
async fn every_answer_tells_browsers_and_caches_to_leave_it_alone() {
    let api = Api::start(HttpLimits::default()).await;
    for (path, status) in [("/users", 401), ("/users/7", 401), ("/nothing", 404), ("/problems/internal", 200)]
    {
        let (found, headers, _) = api.get(path, ("accept", "*/*")).await;
        assert_eq!(found, status, "{path}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(headers[name], value, "{path}");
        }
    }
}

#[tokio::test]
async fn a_request_keeps_the_id_that_it_came_with_or_gets_one() {
    let api = Api::start(HttpLimits::default()).await;
    let (_, headers, _) = api.get("/users", ("x-request-id", "order-7.retry_2")).await;
    assert_eq!(headers["x-request-id"], "order-7.retry_2");
    let too_long = "x".repeat(129);
    let mut given = Vec::new();
    for bad in ["", "a b", "<script>", &too_long] {
        let (_, headers, _) = api.get("/nothing", ("x-request-id", bad)).await;
        let id = headers["x-request-id"].to_str().unwrap().to_owned();
        assert_eq!(id.len(), 36, "{bad:?} is replaced by an id of ours: {id}");
        given.push(id);
    }
    given.sort();
    given.dedup();
    assert_eq!(given.len(), 4);
}

#[tokio::test]
async fn who_cannot_read_json_is_told_before_anything_is_done() {
    let api = Api::start(HttpLimits::default()).await;
    let (status, headers, body) = api.get("/users", ("accept", "text/html")).await;
    assert_eq!(status, 406);
    assert_eq!(headers["content-type"], "application/problem+json");
    assert!(body.contains("/problems/not-acceptable"), "{body}");
    assert_eq!(api.get("/problems/not-acceptable", ("accept", "text/html")).await.0, 200);
}
