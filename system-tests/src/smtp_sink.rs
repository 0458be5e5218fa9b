use std::net::SocketAddr;

use all_in_one::mailbox::{Mailbox, SmtpServer, http_router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// An SMTP server that accepts and keeps every mail.
pub struct SmtpSink {
    smtp: SocketAddr,
    http: SocketAddr,
    _running: DropGuard,
}

/// A mail that the sink accepted.
#[derive(Debug, Clone)]
pub struct ReceivedMail {
    /// To whom.
    pub to: String,
    /// `Subject`.
    pub subject: String,
    /// `Message-ID`.
    pub message_id: String,
    /// The plain text part.
    pub text: String,
}

impl SmtpSink {
    /// Starts one on free ports; it ends with the value.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start() -> Self {
        let smtp = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let http = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let addresses = (
            smtp.local_addr().expect("a bound listener has an address"),
            http.local_addr().expect("a bound listener has an address"),
        );
        let token = CancellationToken::new();
        let mailbox = Mailbox::with_capacity(100_000);
        tokio::spawn(SmtpServer::new(smtp, mailbox.clone()).run(token.clone()));
        let server =
            axum::serve(http, http_router(mailbox)).with_graceful_shutdown(token.clone().cancelled_owned());
        tokio::spawn(server.into_future());
        Self { smtp: addresses.0, http: addresses.1, _running: token.drop_guard() }
    }

    /// What a service's SMTP URL is set to.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.smtp)
    }

    /// How many mails it has accepted.
    pub async fn count(&self) -> usize {
        let answer = self.get("/api/v1/messages?limit=1").await;
        usize::try_from(answer["total"].as_u64().unwrap_or_default()).unwrap_or_default()
    }

    /// Every mail, in the order of acceptance.
    pub async fn mails(&self) -> Vec<ReceivedMail> {
        let list = self.get("/api/v1/messages?limit=100000").await;
        let mut mails = Vec::new();
        for summary in list["messages"].as_array().into_iter().flatten().rev() {
            let id = summary["ID"].as_str().unwrap_or_default();
            let message = self.get(&format!("/api/v1/message/{id}")).await;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            mails.push(ReceivedMail {
                to: text(&message["To"][0]["Address"]),
                subject: text(&message["Subject"]),
                message_id: text(&message["MessageID"]),
                text: text(&message["Text"]),
            });
        }
        mails
    }

    async fn get(&self, path: &str) -> Value {
        let answer = reqwest::get(format!("http://{}{path}", self.http)).await.expect("the sink answers");
        answer.json().await.expect("the sink answers in JSON")
    }
}
