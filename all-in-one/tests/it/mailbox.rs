//! The development mailbox by its two doors: SMTP in, HTTP out.

use std::net::SocketAddr;
use std::time::Duration;

use all_in_one::mailbox::{Mailbox, SmtpServer, http_router};
use lettre::message::{Attachment, Mailbox as Person, MultiPart, SinglePart, header};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

type Smtp = AsyncSmtpTransport<Tokio1Executor>;

/// Both servers on ports of their own, until it is dropped.
struct Running {
    smtp: SocketAddr,
    http: SocketAddr,
    client: Client,
    shutdown: CancellationToken,
    server: JoinHandle<()>,
    _stop: DropGuard,
}

async fn start(mailbox: Mailbox) -> Running {
    let smtp_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (smtp, http) = (smtp_listener.local_addr().unwrap(), http_listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(SmtpServer::new(smtp_listener, mailbox.clone()).run(shutdown.clone()));
    let stopped = shutdown.clone();
    tokio::spawn(async move {
        axum::serve(http_listener, http_router(mailbox))
            .with_graceful_shutdown(stopped.cancelled_owned())
            .await
            .unwrap();
    });
    Running { smtp, http, client: Client::new(), _stop: shutdown.clone().drop_guard(), shutdown, server }
}

impl Running {
    fn transport(&self) -> Smtp {
        Smtp::builder_dangerous(self.smtp.ip().to_string()).port(self.smtp.port()).build()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }

    async fn subjects(&self, query: &str) -> Vec<String> {
        let list = self.json(&format!("/api/v1/messages{query}")).await;
        let messages = list["messages"].as_array().unwrap();
        messages.iter().map(|message| message["Subject"].as_str().unwrap().to_owned()).collect()
    }

    async fn dialogue(&self) -> Dialogue {
        let mut dialogue = Dialogue(BufReader::new(TcpStream::connect(self.smtp).await.unwrap()));
        assert!(dialogue.hear().await.starts_with("220 "));
        dialogue
    }
}

/// An SMTP client by hand.
struct Dialogue(BufReader<TcpStream>);

impl Dialogue {
    async fn say(&mut self, text: &str) -> String {
        self.0.write_all(text.as_bytes()).await.unwrap();
        self.hear().await
    }

    /// One reply, all its lines. Empty when the server has closed.
    async fn hear(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            let read = timeout(Duration::from_secs(10), self.0.read_line(&mut reply)).await.unwrap().unwrap();
            if read == 0 || reply.as_bytes().get(start + 3) != Some(&b'-') {
                return reply;
            }
        }
    }
}

fn to(recipient: &str) -> lettre::message::MessageBuilder {
    Message::builder()
        .from("inf-user <no-reply@inf-user.example>".parse().unwrap())
        .to(recipient.parse().unwrap())
}

fn plain(subject: &str, body: &str) -> Message {
    to("ada@example.com").subject(subject).body(body.to_owned()).unwrap()
}

#[tokio::test]
async fn a_mail_sent_is_listed_and_read_with_mailpits_fields() {
    let running = start(Mailbox::new()).await;
    let mail = to("Ada Lovelace <ada@example.com>")
        .cc("Bob <bob@example.com>".parse().unwrap())
        .reply_to("help@inf-user.example".parse().unwrap())
        .message_id(Some("<ledger-1@inf-user.example>".to_owned()))
        .subject("Confirmação do seu endereço ✉")
        .multipart(MultiPart::alternative_plain_html(
            "Olá, Ada!\nConfirme o seu endereço.".to_owned(),
            "<p>Olá, <b>Ada</b>!</p><script>alert(1)</script>".to_owned(),
        ))
        .unwrap();
    running.transport().send(mail).await.unwrap();

    let list = running.json("/api/v1/messages").await;
    for (field, count) in [
        ("total", 1),
        ("unread", 1),
        ("count", 1),
        ("messages_count", 1),
        ("messages_unread", 1),
        ("start", 0),
    ] {
        assert_eq!(list[field], count, "{field}");
    }
    assert_eq!(list["tags"], json!([]));
    let listed = &list["messages"][0];
    assert_eq!(listed["MessageID"], "ledger-1@inf-user.example");
    assert_eq!(listed["Read"], false);
    assert_eq!(listed["From"], json!({"Name": "inf-user", "Address": "no-reply@inf-user.example"}));
    assert_eq!(listed["To"], json!([{"Name": "Ada Lovelace", "Address": "ada@example.com"}]));
    assert_eq!(listed["Cc"], json!([{"Name": "Bob", "Address": "bob@example.com"}]));
    assert_eq!(listed["Bcc"], json!([]));
    assert_eq!(listed["ReplyTo"], json!([{"Name": "", "Address": "help@inf-user.example"}]));
    assert_eq!(listed["Subject"], "Confirmação do seu endereço ✉");
    assert_eq!(listed["Snippet"], "Olá, Ada! Confirme o seu endereço.");
    assert_eq!(listed["Attachments"], 0);
    assert_eq!(listed["Tags"], json!([]));
    assert_eq!(listed["Username"], "");
    assert!(listed["Created"].as_str().unwrap().ends_with('Z'));

    let id = listed["ID"].as_str().unwrap();
    let message = running.json(&format!("/api/v1/message/{id}")).await;
    assert_eq!(message["ID"], id);
    assert_eq!(message["Subject"], "Confirmação do seu endereço ✉");
    assert_eq!(message["ReturnPath"], "no-reply@inf-user.example");
    assert!(message["Text"].as_str().unwrap().starts_with("Olá, Ada!"));
    assert_eq!(message["HTML"].as_str().unwrap().trim(), "<p>Olá, <b>Ada</b>!</p><script>alert(1)</script>");
    assert_eq!(message["Inline"], json!([]));
    assert_eq!(message["Attachments"], json!([]));
    assert_eq!(
        message["ListUnsubscribe"],
        json!({"Header": "", "Links": [], "Errors": "", "HeaderPost": ""})
    );
    assert_eq!(message["Size"], listed["Size"]);
    assert!(message["Date"].as_str().unwrap().contains('T'));
    assert_eq!(running.json("/api/v1/message/latest").await, message);

    let list = running.json("/api/v1/messages").await;
    assert_eq!((&list["unread"], &list["messages"][0]["Read"]), (&json!(0), &json!(true)));

    let raw = running.get(&format!("/api/v1/message/{id}/raw")).await;
    assert_eq!(raw.headers()["content-type"], "text/plain; charset=utf-8");
    let raw = raw.text().await.unwrap();
    assert_eq!(raw.len(), listed["Size"].as_u64().unwrap() as usize);
    assert!(raw.contains("\r\nMessage-ID: <ledger-1@inf-user.example>\r\n"), "{raw}");
    let headers = running.json(&format!("/api/v1/message/{id}/headers")).await;
    assert_eq!(headers["Message-Id"], json!(["<ledger-1@inf-user.example>"]));
}

#[tokio::test]
async fn attachments_are_told() {
    let running = start(Mailbox::new()).await;
    let csv = Attachment::new("data.csv".to_owned()).body("1,2".to_owned(), "text/csv".parse().unwrap());
    let mail = to("ada@example.com")
        .subject("data")
        .multipart(MultiPart::mixed().singlepart(SinglePart::plain("see there".to_owned())).singlepart(csv))
        .unwrap();
    running.transport().send(mail).await.unwrap();
    assert_eq!(running.json("/api/v1/messages").await["messages"][0]["Attachments"], 1);
    let attached = &running.json("/api/v1/message/latest").await["Attachments"][0];
    assert_eq!((&attached["FileName"], &attached["ContentType"]), (&json!("data.csv"), &json!("text/csv")));
}

#[tokio::test]
async fn several_mails_on_one_connection_are_listed_newest_first_in_pages() {
    let running = start(Mailbox::new()).await;
    let transport = running.transport();
    for number in 1..=4 {
        transport.send(plain(&format!("mail {number}"), "x")).await.unwrap();
        // It is there as soon as it is acknowledged.
        assert_eq!(running.subjects("").await.len(), number);
    }
    assert_eq!(running.subjects("").await, ["mail 4", "mail 3", "mail 2", "mail 1"]);
    assert_eq!(running.subjects("?start=1&limit=2").await, ["mail 3", "mail 2"]);
    assert_eq!(running.json("/api/v1/messages?start=1&limit=2").await["total"], 4);
    assert_eq!(running.get("/api/v1/messages?start=x").await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_oldest_mails_are_dropped_when_there_are_too_many() {
    let running = start(Mailbox::with_capacity(2)).await;
    let transport = running.transport();
    let mut first = Value::Null;
    for number in 1..=3 {
        transport.send(plain(&format!("mail {number}"), "x")).await.unwrap();
        if number == 1 {
            first = running.json("/api/v1/message/latest").await["ID"].clone();
        }
    }
    assert_eq!(running.subjects("").await, ["mail 3", "mail 2"]);
    let gone = running.get(&format!("/api/v1/message/{}", first.as_str().unwrap())).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn mails_are_deleted_by_id_or_all_at_once() {
    let running = start(Mailbox::new()).await;
    let transport = running.transport();
    for number in 1..=3 {
        transport.send(plain(&format!("mail {number}"), "x")).await.unwrap();
    }
    let delete =
        |body: &str| running.client.delete(running.url("/api/v1/messages")).body(body.to_owned()).send();
    let broken = delete("{\"IDs\": [").await.unwrap();
    assert_eq!(broken.status(), StatusCode::BAD_REQUEST);
    assert_eq!(running.subjects("").await.len(), 3);

    let id = running.json("/api/v1/messages").await["messages"][1]["ID"].clone();
    let deleted = delete(&json!({"IDs": [id, "no such"]}).to_string()).await.unwrap();
    assert_eq!((deleted.status(), deleted.text().await.unwrap().as_str()), (StatusCode::OK, "ok"));
    assert_eq!(running.subjects("").await, ["mail 3", "mail 1"]);

    assert_eq!(delete("").await.unwrap().text().await.unwrap(), "ok");
    assert_eq!(running.json("/api/v1/messages").await["total"], 0);
    for path in ["latest", "latest/raw", "latest/headers", "x", "x/raw", "x/headers"] {
        let status = running.get(&format!("/api/v1/message/{path}")).await.status();
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_list_that_has_not_changed_is_not_sent_again() {
    let running = start(Mailbox::new()).await;
    let list = async |known: &str| {
        running
            .client
            .get(running.url("/api/v1/messages"))
            .header("if-none-match", known)
            .send()
            .await
            .unwrap()
    };
    let tag = |response: &reqwest::Response| response.headers()["etag"].to_str().unwrap().to_owned();
    let empty = tag(&list("").await);
    assert_eq!(list(&empty).await.status(), StatusCode::NOT_MODIFIED);
    running.transport().send(plain("one", "x")).await.unwrap();
    let one = list(&empty).await;
    assert_eq!(one.status(), StatusCode::OK);
    let one = tag(&one);
    running.get("/api/v1/message/latest").await;
    let read = list(&one).await;
    assert_eq!(read.status(), StatusCode::OK);
    running.get("/api/v1/message/latest").await;
    assert_eq!(list(&tag(&read)).await.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn a_mails_html_comes_under_a_policy_that_lets_no_script_run() {
    let running = start(Mailbox::new()).await;
    let mail = to("ada@example.com")
        .subject("<script>alert('subject')</script>")
        .header(header::ContentType::TEXT_HTML)
        .body("<head></head><script>alert(1)</script><a href=\"http://x.example\">x</a>".to_owned())
        .unwrap();
    running.transport().send(mail).await.unwrap();
    let html = running.get("/view/latest.html").await;
    assert_eq!(html.status(), StatusCode::OK);
    let policy = html.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.starts_with("sandbox "), "{policy}");
    assert!(!policy.contains("allow-scripts") && !policy.contains("allow-same-origin"), "{policy}");
    assert!(!policy.contains("script-src"), "{policy}");
    assert_eq!(html.headers()["x-content-type-options"], "nosniff");
    assert_eq!(html.headers()["referrer-policy"], "no-referrer");
    let html = html.text().await.unwrap();
    assert!(html.starts_with("<head><base target=\"_blank\"></head><script>alert(1)</script>"), "{html}");

    // The page holds nothing of any mail, and may run and load only what is its own.
    for path in ["/", "/view/latest"] {
        let page = running.get(path).await;
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        let page = page.text().await.unwrap();
        assert!(page.contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox\""));
        assert!(!page.contains("alert("));
    }
    let text = running.get("/view/latest.txt").await;
    assert_eq!(text.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(running.get("/view/x.html").await.status(), StatusCode::NOT_FOUND);
    assert!(!running.text("/page.js").await.contains("innerHTML"));
}

#[tokio::test]
async fn requests_by_another_name_or_from_another_site_are_refused() {
    let running = start(Mailbox::new()).await;
    running.transport().send(plain("one", "x")).await.unwrap();
    let ask = |method: Method, path: &str, header: &'static str, value: String| {
        running.client.request(method, running.url(path)).header(header, value).send()
    };
    for path in
        ["/", "/page.js", "/view/latest.html", "/api/v1/messages", "/api/v1/message/latest", "/no-such"]
    {
        let refused = ask(Method::GET, path, "host", "mail.evil.example".into()).await.unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{path}");
        assert!(refused.text().await.unwrap().contains("localhost"));
    }
    let port = running.http.port();
    let by_name = ask(Method::GET, "/api/v1/messages", "host", format!("localhost:{port}")).await.unwrap();
    assert_eq!(by_name.status(), StatusCode::OK);

    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let refused = ask(Method::DELETE, "/api/v1/messages", "origin", origin.into()).await.unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{origin}");
    }
    assert_eq!(running.json("/api/v1/messages").await["total"], 1);
    let own =
        ask(Method::DELETE, "/api/v1/messages", "origin", format!("http://{}", running.http)).await.unwrap();
    assert_eq!(own.status(), StatusCode::OK);
    assert_eq!(running.json("/api/v1/messages").await["total"], 0);
}

#[tokio::test]
async fn lines_that_begin_with_a_dot_arrive_as_they_were_written() {
    let running = start(Mailbox::new()).await;
    // lettre ends the last line itself.
    let body = ".\r\n..\r\n.hidden\r\nend.";
    let mail = to("ada@example.com")
        .subject("dots")
        .header(header::ContentTransferEncoding::SevenBit)
        .body(body.to_owned())
        .unwrap();
    running.transport().send(mail).await.unwrap();
    assert_eq!(running.json("/api/v1/message/latest").await["Text"], format!("{body}\r\n"));
    assert!(running.text("/api/v1/message/latest/raw").await.ends_with(&format!("\r\n\r\n{body}\r\n")));
}

#[tokio::test]
async fn addresses_outside_ascii_and_the_null_sender_are_taken() {
    let running = start(Mailbox::new()).await;
    let mail = Message::builder()
        .from("no-reply@inf-user.example".parse().unwrap())
        .to(Person::new(None, "josé@example.com".parse().unwrap()))
        .subject("SMTPUTF8")
        .body("x".to_owned())
        .unwrap();
    running.transport().send(mail).await.unwrap();
    assert_eq!(running.json("/api/v1/message/latest").await["To"][0]["Address"], "josé@example.com");

    let mut dialogue = running.dialogue().await;
    assert!(dialogue.say("EHLO test\r\n").await.contains("\r\n250-SMTPUTF8\r\n"));
    let pipelined = "MAIL FROM:<> SIZE=100\r\nRCPT TO:<ada@example.com>\r\nDATA\r\n";
    assert!(dialogue.say(pipelined).await.starts_with("250 "));
    assert!(dialogue.hear().await.starts_with("250 "));
    assert!(dialogue.hear().await.starts_with("354 "));
    assert!(dialogue.say("Subject: bounce\r\n\r\nx\r\n.\r\n").await.starts_with("250 "));
    let bounce = running.json("/api/v1/message/latest").await;
    assert_eq!((&bounce["Subject"], &bounce["ReturnPath"]), (&json!("bounce"), &json!("")));
    assert_eq!(bounce["To"], json!([{"Name": "", "Address": "ada@example.com"}]));
}

#[tokio::test]
async fn a_lone_line_feed_does_not_end_a_mail() {
    let running = start(Mailbox::new()).await;
    let mut dialogue = running.dialogue().await;
    dialogue.say("EHLO test\r\n").await;
    dialogue.say("MAIL FROM:<a@example.com>\r\n").await;
    dialogue.say("RCPT TO:<b@example.com>\r\n").await;
    dialogue.say("DATA\r\n").await;
    let data = "Subject: one\r\n\r\nx\n.\nMAIL FROM:<evil@example.com>\n.\r\nstill\r\n.\r\n";
    assert!(dialogue.say(data).await.starts_with("250 "));
    assert_eq!(running.subjects("").await, ["one"]);
    assert!(running.text("/api/v1/message/latest/raw").await.contains("still"));
}

#[tokio::test]
async fn a_mail_over_the_limit_is_refused_and_the_connection_goes_on() {
    let running = start(Mailbox::new()).await;
    let mut dialogue = running.dialogue().await;
    dialogue.say("EHLO test\r\n").await;
    let refused = dialogue.say("MAIL FROM:<a@example.com> SIZE=10485761\r\n").await;
    assert!(refused.starts_with("552 "), "{refused}");
    // Undeclared: in many lines, and in a single one.
    for line in [format!("{}\r\n", "x".repeat(998)).repeat(10_500), format!("{}\r\n", "x".repeat(10_500_000))]
    {
        assert!(dialogue.say("MAIL FROM:<a@example.com>\r\n").await.starts_with("250 "));
        dialogue.say("RCPT TO:<b@example.com>\r\n").await;
        assert!(dialogue.say("DATA\r\n").await.starts_with("354 "));
        let refused = dialogue.say(&format!("{line}.\r\n")).await;
        assert!(refused.starts_with("552 "), "{refused}");
    }
    assert!(dialogue.say(&format!("NOOP {}\r\n", "x".repeat(5_000))).await.starts_with("500 "));
    assert_eq!(running.json("/api/v1/messages").await["total"], 0);
    assert!(dialogue.say("MAIL FROM:<a@example.com>\r\n").await.starts_with("250 "));
    dialogue.say("RCPT TO:<b@example.com>\r\n").await;
    dialogue.say("DATA\r\n").await;
    assert!(dialogue.say("Subject: fits\r\n\r\n.\r\n").await.starts_with("250 "));
    assert_eq!(running.subjects("").await, ["fits"]);
    assert!(dialogue.say("QUIT\r\n").await.starts_with("221 "));
}

#[tokio::test]
async fn on_shutdown_a_mail_that_has_begun_is_finished_and_nothing_new_is_taken() {
    let running = start(Mailbox::new()).await;
    let (mut idle, mut busy) = (running.dialogue().await, running.dialogue().await);
    idle.say("EHLO test\r\n").await;
    busy.say("EHLO test\r\n").await;
    busy.say("MAIL FROM:<a@example.com>\r\n").await;
    running.shutdown.cancel();
    assert!(idle.hear().await.starts_with("421 "));
    assert!(busy.say("RCPT TO:<b@example.com>\r\n").await.starts_with("250 "));
    assert!(busy.say("DATA\r\n").await.starts_with("354 "));
    assert!(busy.say("Subject: last\r\n\r\nx\r\n.\r\n").await.starts_with("250 "));
    assert!(busy.hear().await.starts_with("421 "));
    timeout(Duration::from_secs(1), running.server).await.unwrap().unwrap();
    assert!(TcpStream::connect(running.smtp).await.is_err());
}

#[tokio::test]
async fn shutdown_does_not_wait_for_a_mail_that_never_ends() {
    let running = start(Mailbox::new()).await;
    let mut stuck = running.dialogue().await;
    stuck.say("EHLO test\r\n").await;
    stuck.say("MAIL FROM:<a@example.com>\r\n").await;
    running.shutdown.cancel();
    timeout(Duration::from_secs(5), running.server).await.unwrap().unwrap();
    assert_eq!(stuck.hear().await, "");
}
