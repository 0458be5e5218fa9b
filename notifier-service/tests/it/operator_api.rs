//! The operator's API and page, over HTTP, on a ledger in memory.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use notifier_service::entities::{Answer, LinkLifetimes, MailState, Notification, Place};
use notifier_service::interactors::{
    CancelMail, InspectMails, ListDeadLetters, RedriveDeadLetters, RedriveMails, ResendMail,
};
use notifier_service::repositories::{DeadLetter, LoggedLetter, NotificationLedger, OperatorLedger};
use notifier_service::transport::http::{
    DeadLetterCommands, Operator, OperatorToken, operator_router, serve,
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::events::{junk, notification, record};
use crate::support::fakes::{InMemoryDeadLetterLog, SteppedClock};
use crate::support::in_memory_ledger::InMemoryLedger;

const TOKEN: &str = "an-operators-token-of-the-tests-0123456789";
const LONG: Duration = Duration::from_secs(600);

struct World {
    ledger: Arc<InMemoryLedger>,
    log: Arc<InMemoryDeadLetterLog>,
    clock: Arc<SteppedClock>,
    client: Client,
    host: String,
    stop: CancellationToken,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn world() -> World {
    let clock = Arc::new(SteppedClock::default());
    let ledger = InMemoryLedger::new(clock.clone());
    let links = LinkLifetimes::default();
    let operator = Operator {
        inspect: InspectMails::new(ledger.clone(), ledger.clone()),
        resend: ResendMail::new(ledger.clone(), ledger.clone(), links),
        cancel: CancelMail::new(ledger.clone()),
        redrive: RedriveMails::new(ledger.clone(), links),
    };
    // One that this version can read, and one that nobody can.
    let lying = [(record(7, 7), "of a type not known to 0.9"), (junk(8), "poison <script>")];
    let lying = (0..).zip(lying).map(|(offset, (received, reason))| LoggedLetter {
        place: Place { topic: "cdc.inf-user.dlq".to_owned(), partition: 0, offset },
        set_aside_at: DateTime::from_timestamp(1_790_000_000 + offset * 3600, 0),
        letter: DeadLetter { received, reason: reason.to_owned() },
    });
    let log = Arc::new(InMemoryDeadLetterLog::new(vec![lying.collect()]));
    let letters = DeadLetterCommands {
        list: ListDeadLetters::new(log.clone(), ledger.clone()),
        redrive: RedriveDeadLetters::new(log.clone(), ledger.clone(), ledger.clone(), clock.clone()),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let router = operator_router(operator, letters, OperatorToken::parse(TOKEN).unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, router, stop.clone()));
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    World { ledger, log, clock, client, host, stop }
}

fn mail(number: u128) -> Notification {
    Notification {
        occurred_at: Some(DateTime::UNIX_EPOCH),
        security_version: None,
        ..notification(number, number, &format!("user{number}@example.org"))
    }
}

impl World {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.host))
    }

    /// A call of the API with the token.
    async fn call(&self, method: Method, path: &str) -> (StatusCode, Value) {
        answer(self.request(method, path).bearer_auth(TOKEN).send().await.unwrap()).await
    }

    async fn post(&self, path: &str, body: &str) -> (StatusCode, Value) {
        let request = self.request(Method::POST, path).bearer_auth(TOKEN);
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_owned());
        answer(request.send().await.unwrap()).await
    }

    /// The session's cookie, as a browser gets it.
    async fn log_in(&self) -> String {
        let response = self.form("/login", "", &format!("token={TOKEN}")).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        assert!(!cookie.contains(TOKEN), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Sends a form as a page of this server does.
    async fn form(&self, path: &str, cookie: &str, body: &str) -> Response {
        let request = self.request(Method::POST, path).header(header::COOKIE, cookie);
        let request = request.header(header::ORIGIN, format!("http://{}", self.host));
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.body(body.to_owned()).send().await.unwrap()
    }

    async fn page(&self, path: &str, cookie: &str) -> (StatusCode, String) {
        let response = self.request(Method::GET, path).header(header::COOKIE, cookie).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// Records those mails, and gives all that are due up, with those words.
    async fn give_up(&self, mails: &[Notification], words: &str) {
        self.ledger.record(mails).await.unwrap();
        for claimed in self.ledger.claim(1000, LONG).await.unwrap() {
            self.ledger.mark_dead(&claimed.lease, &Answer::ours(words)).await.unwrap();
        }
    }

    async fn state(&self, mail: &Notification) -> MailState {
        self.ledger.entry(mail.id).await.unwrap().unwrap().state
    }
}

/// Status and body; a refusal must be a problem that says its own status.
async fn answer(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let body: Value = response.json().await.unwrap();
    if status.is_client_error() || status.is_server_error() {
        assert_eq!(kind, "application/problem+json");
        assert_eq!(body["status"], status.as_u16());
        assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
    }
    (status, body)
}

#[tokio::test]
async fn without_the_token_nothing_is_told_or_done() {
    let world = world().await;
    world.give_up(&[mail(1)], "550 no").await;
    let id = mail(1).id;
    let calls = [
        (Method::GET, "/api/counts".to_owned()),
        (Method::GET, "/api/mails".to_owned()),
        (Method::GET, format!("/api/mails/{id}")),
        (Method::POST, format!("/api/mails/{id}/resend")),
        (Method::POST, format!("/api/mails/{id}/cancel")),
        (Method::POST, "/api/mails/redrive".to_owned()),
        (Method::GET, "/api/dead-letters".to_owned()),
        (Method::POST, "/api/dead-letters/redrive".to_owned()),
        (Method::GET, "/api/of-nobody".to_owned()),
    ];
    for (method, path) in &calls {
        let plain = || world.request(method.clone(), path);
        let session = world.log_in().await;
        for request in [
            plain(),
            plain().bearer_auth("wrong"),
            plain().bearer_auth(""),
            plain().header(header::AUTHORIZATION, TOKEN),
            plain().basic_auth("operator", Some(TOKEN)),
            // A browser that is logged in to the page is not let into the API.
            plain().header(header::COOKIE, session.clone()),
        ] {
            let response = request.send().await.unwrap();
            assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
            assert_eq!(answer(response).await.0, StatusCode::UNAUTHORIZED, "{method} {path}");
        }
    }
    let pages = [
        (Method::GET, "/".to_owned()),
        (Method::GET, format!("/mails/{id}")),
        (Method::GET, "/redrive".to_owned()),
        (Method::POST, format!("/mails/{id}/resend")),
        (Method::POST, "/redrive".to_owned()),
        (Method::GET, "/dead-letters".to_owned()),
        (Method::GET, "/dead-letters/redrive".to_owned()),
        (Method::POST, "/dead-letters/redrive".to_owned()),
    ];
    for (method, path) in pages {
        for cookie in ["", "inf-user-operator=", "inf-user-operator=guessed", "other=1"] {
            let request = world.request(method.clone(), &path).header(header::COOKIE, cookie);
            let response =
                request.header(header::ORIGIN, format!("http://{}", world.host)).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::SEE_OTHER, "{method} {path}");
            assert_eq!(response.headers()[header::LOCATION], "/login");
        }
    }
    assert_eq!(world.state(&mail(1)).await, MailState::Dead);
    let live = world.request(Method::GET, "/health/live").send().await.unwrap();
    assert_eq!(live.status(), StatusCode::OK);
}

#[tokio::test]
async fn mails_are_counted_listed_filtered_and_shown() {
    let world = world().await;
    world.give_up(&[mail(1)], "550 user1@example.org is unknown").await;
    world.ledger.record(&(2..=4).map(mail).collect::<Vec<_>>()).await.unwrap();
    let (_, counts) = world.call(Method::GET, "/api/counts").await;
    assert_eq!(counts, json!({"queued": 3, "sent": 0, "dead": 1, "cancelled": 0}));

    let (_, first) = world.call(Method::GET, "/api/mails?limit=3").await;
    assert_eq!(first["items"].as_array().unwrap().len(), 3);
    assert_eq!(first["items"][0]["id"], mail(4).id.to_string(), "the latest is the first");
    let (_, rest) =
        world.call(Method::GET, &format!("/api/mails?limit=3&cursor={}", first["nextCursor"])).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["nextCursor"]), (1, &Value::Null));

    let user = mail(1).user_id.0;
    for query in [
        "state=dead",
        "words=is%20unknown",
        "recipient=user1%40example.org",
        &format!("userId={user}&kind=updated"),
    ] {
        let (_, found) = world.call(Method::GET, &format!("/api/mails?{query}")).await;
        assert_eq!(found["items"].as_array().unwrap().len(), 1, "{query}");
        assert_eq!(found["items"][0]["id"], mail(1).id.to_string());
    }
    let (status, shown) = world.call(Method::GET, &format!("/api/mails/{}", mail(1).id)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&shown["state"], &shown["recipient"]), (&json!("dead"), &json!("user1@example.org")));
    assert_eq!(shown["attemptLog"][0]["words"], "550 user1@example.org is unknown");
    assert_eq!(shown["attemptLog"][0]["outcome"], "dead");
}

#[tokio::test]
async fn what_cannot_be_understood_or_done_is_a_problem() {
    let world = world().await;
    world.give_up(&[mail(1)], "550 no").await;
    let (get, post) = (|| Method::GET, || Method::POST);
    let nobody = mail(9).id;
    for (method, path, status) in [
        (get(), "/api/mails?state=lost".to_owned(), 400),
        (get(), "/api/mails?userId=ada".to_owned(), 400),
        (get(), "/api/mails?limit=many".to_owned(), 400),
        (get(), "/api/mails?sort=asc".to_owned(), 400),
        (get(), "/api/mails/ada".to_owned(), 404),
        (get(), format!("/api/mails/{nobody}"), 404),
        (post(), format!("/api/mails/{nobody}/resend"), 404),
        (post(), format!("/api/mails/{nobody}/cancel"), 404),
        (post(), format!("/api/mails/{}/cancel", mail(1).id), 409),
        (get(), "/api/of-nobody".to_owned(), 404),
        (Method::DELETE, format!("/api/mails/{}", mail(1).id), 405),
    ] {
        assert_eq!(world.call(method, &path).await.0.as_u16(), status, "{path}");
    }
    for (body, status) in [
        ("{", 400),
        (r#"{"limit":0}"#, 400),
        (r#"{"limit":10001}"#, 400),
        (r#"{"perSecond":0}"#, 422),
        (r#"{"dryrun":false}"#, 422),
        (r#"{"userId":"ada"}"#, 400),
    ] {
        assert_eq!(world.post("/api/mails/redrive", body).await.0.as_u16(), status, "{body}");
    }
    world.ledger.fail_next(1);
    assert_eq!(world.call(get(), "/api/counts").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn mails_are_resent_and_cancelled() {
    let world = world().await;
    world.give_up(&[mail(1)], "550 no").await;
    let (status, back) = world.call(Method::POST, &format!("/api/mails/{}/resend", mail(1).id)).await;
    assert_eq!(
        (status, &back["state"], &back["requeued"]),
        (StatusCode::ACCEPTED, &json!("queued"), &json!(1))
    );
    let (status, problem) = world.call(Method::POST, &format!("/api/mails/{}/resend", mail(1).id)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    let (status, out) = world.call(Method::POST, &format!("/api/mails/{}/cancel", mail(1).id)).await;
    assert_eq!((status, &out["state"]), (StatusCode::OK, &json!("cancelled")));
    assert_eq!(world.state(&mail(1)).await, MailState::Cancelled);
}

#[tokio::test]
async fn a_redrive_is_dry_unless_it_says_otherwise() {
    let world = world().await;
    world.give_up(&[mail(1), mail(2)], "550 no").await;
    let (_, would) = world.post("/api/mails/redrive", "{}").await;
    assert_eq!((&would["dryRun"], &would["requeued"]), (&json!(true), &json!(2)));
    assert_eq!(world.state(&mail(1)).await, MailState::Dead);
    let body = r#"{"dryRun":false,"recipient":"user2@example.org","limit":5,"perSecond":1}"#;
    let (status, done) = world.post("/api/mails/redrive", body).await;
    assert_eq!((status, &done["mails"]), (StatusCode::OK, &json!([mail(2).id.to_string()])));
    assert_eq!(world.state(&mail(1)).await, MailState::Dead);
    assert_eq!(world.state(&mail(2)).await, MailState::Queued);
}

#[tokio::test]
async fn an_operator_finds_a_dead_mail_reads_why_and_sends_it_again() {
    let world = world().await;
    world.give_up(&[mail(1)], "550 <script>alert(1)</script> unknown").await;
    world.ledger.record(&[mail(2)]).await.unwrap();
    let (status, login) = world.page("/login", "").await;
    assert!(status.is_success() && login.contains("operator's token"), "{login}");
    let wrong = world.form("/login", "", "token=wrong").await;
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    assert!(wrong.headers().get(header::SET_COOKIE).is_none());
    assert_eq!(world.form("/login", "", "").await.status(), StatusCode::FORBIDDEN);

    let cookie = world.log_in().await;
    let (_, list) = world.page("/?state=dead", &cookie).await;
    let link = format!("/mails/{}", mail(1).id);
    assert!(list.contains(&link) && !list.contains(&mail(2).id.to_string()), "{list}");
    assert!(list.contains("user1@example.org") && !list.contains("<script"), "{list}");
    let (_, shown) = world.page(&link, &cookie).await;
    assert!(shown.contains("550 &lt;script&gt;") && !shown.contains("<script"), "{shown}");

    let resent = world.form(&format!("{link}/resend"), &cookie, "").await;
    assert_eq!(
        (resent.status(), &resent.headers()[header::LOCATION]),
        (StatusCode::SEE_OTHER, &link.parse().unwrap())
    );
    assert_eq!(world.state(&mail(1)).await, MailState::Queued);
    let (_, list) = world.page("/?state=dead", &cookie).await;
    assert!(list.contains("No mail fits."), "{list}");

    let cancelled = world.form(&format!("{link}/cancel"), &cookie, "").await;
    assert_eq!(cancelled.status(), StatusCode::SEE_OTHER);
    let again = world.form(&format!("{link}/cancel"), &cookie, "").await;
    assert_eq!(again.status(), StatusCode::CONFLICT);
    assert!(again.text().await.unwrap().contains("cancelled already"));

    let out = world.form("/logout", &cookie, "").await;
    assert!(out.headers()[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
}

#[tokio::test]
async fn an_operator_tries_a_redrive_before_it_is_done() {
    let world = world().await;
    world.give_up(&[mail(1), mail(2)], "550 no").await;
    let cookie = world.log_in().await;
    let (_, would) = world.page("/redrive?state=&recipient=user1%40example.org", &cookie).await;
    assert!(would.contains("Put 1 back") && would.contains("user1@example.org"), "{would}");
    assert_eq!(world.state(&mail(1)).await, MailState::Dead);
    let done = world.form("/redrive", &cookie, "recipient=user1%40example.org").await.text().await.unwrap();
    assert!(done.contains("Redriven"), "{done}");
    assert_eq!(world.state(&mail(1)).await, MailState::Queued);
    assert_eq!(world.state(&mail(2)).await, MailState::Dead);
    world.clock.advance(LONG);
}

#[tokio::test]
async fn a_form_of_another_page_does_nothing() {
    let world = world().await;
    world.give_up(&[mail(1)], "550 no").await;
    let cookie = world.log_in().await;
    let path = format!("/mails/{}/resend", mail(1).id);
    // Another port of the same machine is the same site to a browser, which sends the cookie along.
    for origin in [None, Some("http://127.0.0.1:1"), Some("null"), Some("https://evil.example")] {
        let mut request = world.request(Method::POST, &path).header(header::COOKIE, &cookie);
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{origin:?}");
    }
    assert_eq!(world.state(&mail(1)).await, MailState::Dead);
}

#[tokio::test]
async fn every_page_is_safe_to_show_and_pages_go_on() {
    let world = world().await;
    world.give_up(&(1..=60).map(mail).collect::<Vec<_>>(), "550 no").await;
    let cookie = world.log_in().await;
    let (_, list) = world.page("/", &cookie).await;
    assert!(list.contains("Earlier ones") && list.contains(r#"name="cursor" value="11""#), "{list}");
    let (_, rest) = world.page("/?cursor=11&words=550", &cookie).await;
    assert!(rest.contains(&mail(10).id.to_string()) && !rest.contains("Earlier ones"), "{rest}");
    for (path, status) in
        [("/?userId=ada", 400), ("/mails/ada", 404), ("/of-nobody", 404), ("/style.css", 200)]
    {
        let response = world.request(Method::GET, path).header(header::COOKIE, &cookie).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
    }
}

#[tokio::test]
async fn dead_letters_are_counted_filtered_and_recorded() {
    let world = world().await;
    let (status, all) = world.call(Method::GET, "/api/dead-letters").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&all["open"], &all["recorded"], &all["unreadable"]), (&json!(1), &json!(0), &json!(1)));
    let (open, poison) = (&all["items"][0], &all["items"][1]);
    assert_eq!(open["place"], "cdc.inf-user.dlq[0]@0");
    assert_eq!((&open["cameFrom"], &open["state"]), (&json!("cdc.inf-user[0]@7"), &json!("open")));
    assert_eq!(open["setAsideAt"], "2026-09-21T14:13:20.000Z");
    assert_eq!((&open["reason"], &open["misses"]), (&json!("of a type not known to 0.9"), &Value::Null));
    assert!(poison["state"] == "unreadable" && poison["misses"].is_string(), "{poison}");
    for (query, items) in
        [("reason=poison", 1), ("since=2026-09-21T15%3A00%3A00Z", 1), ("limit=1", 1), ("reason=of+nobody", 0)]
    {
        let (_, found) = world.call(Method::GET, &format!("/api/dead-letters?{query}")).await;
        assert_eq!(found["items"].as_array().unwrap().len(), items, "{query}");
    }

    let (_, would) = world.post("/api/dead-letters/redrive", "{}").await;
    assert_eq!((&would["dryRun"], &would["recorded"], &would["mails"]), (&json!(true), &json!(1), &json!(1)));
    assert!(world.ledger.rows().is_empty(), "that was dry");
    for (recorded, before) in [(1, 0), (0, 1)] {
        let (status, done) = world.post("/api/dead-letters/redrive", r#"{"dryRun":false}"#).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!((&done["recorded"], &done["recordedBefore"]), (&json!(recorded), &json!(before)));
        assert_eq!(done["left"].as_object().unwrap().values().collect::<Vec<_>>(), [&json!(1)]);
        assert_eq!(world.ledger.rows().len(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_done_to_dead_letters_is_a_problem() {
    let world = world().await;
    for query in ["since=yesterday", "limit=0", "limit=1001", "words=of"] {
        let (status, problem) = world.call(Method::GET, &format!("/api/dead-letters?{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {problem}");
    }
    for (body, status) in
        [(r#"{"since":"yesterday"}"#, 400), (r#"{"limit":0}"#, 400), (r#"{"perSecond":0}"#, 422)]
    {
        assert_eq!(world.post("/api/dead-letters/redrive", body).await.0.as_u16(), status, "{body}");
    }
    world.log.break_down();
    let (status, problem) = world.call(Method::GET, "/api/dead-letters").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    let cookie = world.log_in().await;
    let (status, page) = world.page("/dead-letters", &cookie).await;
    assert!(status == StatusCode::SERVICE_UNAVAILABLE && page.contains("try again"), "{page}");
}

#[tokio::test]
async fn an_operator_tries_to_record_dead_letters_before_it_is_done() {
    let world = world().await;
    let cookie = world.log_in().await;
    let (_, list) = world.page("/dead-letters", &cookie).await;
    assert!(list.contains("poison &lt;script&gt;") && !list.contains("<script"), "{list}");
    let (_, would) = world.page("/dead-letters/redrive?reason=not+known&since=", &cookie).await;
    assert!(would.contains("Record 1") && would.contains("not known"), "{would}");
    assert!(world.ledger.rows().is_empty());
    let done = world.form("/dead-letters/redrive", &cookie, "reason=not+known&since=").await;
    let done = done.text().await.unwrap();
    assert!(done.contains("<h1>Recorded</h1>") && !done.contains("Go on"), "{done}");
    assert_eq!(world.ledger.rows().len(), 1);
}
