//! Every mail as a server gets it: written by the templates, sent over SMTP, read back with a parser that had no part in
//! that.

mod bad_input;
mod golden;
mod message;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use notifier_service::data_sources::{
    MailTemplates, MinijinjaMailRenderer, SmtpMailer, SmtpSettings, SystemClock,
};
use notifier_service::entities::{
    ActionLinks, Contact, Letterhead, LinkLifetimes, Mail, Notification, PublicUrl,
};
use notifier_service::repositories::{MailRenderer, Mailer};
use secrecy::SecretString;
use shared_kernel::SigningKeys;

use crate::support::smtp_server::{Accepted, SmtpServer};

/// A deadline that does not come.
const NO_HURRY: Duration = Duration::from_secs(3600);
const SENDER: &str = "accounts@sender.example";

/// What writes and sends mails, and a server that takes them.
struct Post {
    renderer: MinijinjaMailRenderer,
    mailer: SmtpMailer,
    server: SmtpServer,
}

impl Post {
    async fn open() -> Self {
        let keys = SigningKeys::parse(&"golden-key".repeat(4)).unwrap();
        let public_url = PublicUrl::parse("https://accounts.example.org").unwrap();
        let links = ActionLinks::new(public_url, keys, LinkLifetimes::default());
        let contact = Contact::parse("help@sender.example").unwrap();
        let letterhead = Letterhead { service: "Accounts".into(), contact };
        let renderer =
            MinijinjaMailRenderer::new(MailTemplates::embedded().unwrap(), letterhead, links).unwrap();
        let server = SmtpServer::start([]).await;
        let from = format!("Accounts <{SENDER}>");
        let settings = SmtpSettings::parse(&SecretString::from(server.url()), &from).unwrap();
        Self { renderer, mailer: SmtpMailer::new(settings, Arc::new(SystemClock::start())), server }
    }

    fn render(&self, notification: &Notification) -> Mail {
        self.renderer.render(notification).unwrap()
    }

    /// A mail as it was rendered, and as the server got it.
    async fn send(&self, notification: &Notification) -> (Mail, Accepted) {
        let mail = self.render(notification);
        self.mailer.send(&mail, NO_HURRY).await.unwrap();
        (mail, VecDeque::from(self.server.accepted()).pop_back().unwrap())
    }
}
