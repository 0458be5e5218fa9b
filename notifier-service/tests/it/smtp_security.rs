//! [`SmtpMailer`] against a server that takes no mail without TLS and a password.

use std::sync::Arc;
use std::time::Duration;

use notifier_service::data_sources::{Authorities, SmtpMailer, SmtpSettings, SystemClock};
use notifier_service::entities::{Answer, DialogueStage};
use notifier_service::repositories::{Mailer, MailerError};

use crate::support::mails::mail;
use crate::support::strict_smtp_server::{Encryption, PASSWORD, StrictSmtpServer, USER};

const NO_HURRY: Duration = Duration::from_secs(600);

/// The URL's part before the host and behind it, by how the server wants to be encrypted.
fn url(server: &StrictSmtpServer, encryption: Encryption) -> String {
    let user = USER.replace('@', "%40");
    match encryption {
        Encryption::StartTls => format!("smtp://{user}@localhost:{}?tls=required", server.port()),
        Encryption::Implicit => format!("smtps://{user}@localhost:{}", server.port()),
    }
}

fn settings(server: &StrictSmtpServer, encryption: Encryption, password: &str) -> SmtpSettings {
    let (url, password) = (url(server, encryption).into(), Some(password.into()));
    let settings = SmtpSettings::parse_with_password(&url, password, "accounts@sender.example").unwrap();
    SmtpSettings { authorities: Authorities::parse(&server.authority).unwrap(), ..settings }
}

async fn send(mailer: &SmtpMailer) -> Result<Answer, MailerError> {
    mailer.send(&mail(1, "ada@example.org"), NO_HURRY).await
}

fn mailer(settings: SmtpSettings) -> SmtpMailer {
    SmtpMailer::new(settings, Arc::new(SystemClock::start()))
}

/// The stage at which a send that must not succeed ended as the server's or our fault.
async fn fails_at(settings: SmtpSettings, server: &StrictSmtpServer) -> Answer {
    let error = send(&mailer(settings)).await.unwrap_err();
    let MailerError::ServerUnavailable(answer) = error else { panic!("{error:?}") };
    assert!(server.taken().is_empty());
    answer
}

#[tokio::test]
async fn mail_goes_out_encrypted_and_authenticated_over_one_connection() {
    for encryption in [Encryption::StartTls, Encryption::Implicit] {
        for mechanism in ["PLAIN", "LOGIN"] {
            let server = StrictSmtpServer::start("localhost", encryption, mechanism).await;
            let mailer = mailer(settings(&server, encryption, PASSWORD));
            for _ in 0..2 {
                send(&mailer).await.unwrap();
            }
            let taken: Vec<_> =
                server.taken().into_iter().map(|one| (one.connection, one.mechanism)).collect();
            assert_eq!(taken, [(1, mechanism.to_owned()), (1, mechanism.to_owned())], "{encryption:?}");
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_no_mails_fault() {
    for mechanism in ["PLAIN", "LOGIN"] {
        let server = StrictSmtpServer::start("localhost", Encryption::StartTls, mechanism).await;
        let answer = fails_at(settings(&server, Encryption::StartTls, "secret"), &server).await;
        assert_eq!(answer, Answer::at(DialogueStage::Authenticate, "535 5.7.8 not you"));
    }
}

#[tokio::test]
async fn a_server_that_no_trusted_authority_vouches_for_gets_no_password_and_no_mail() {
    for (encryption, stage) in
        [(Encryption::StartTls, DialogueStage::Encrypt), (Encryption::Implicit, DialogueStage::Connect)]
    {
        let server = StrictSmtpServer::start("localhost", encryption, "PLAIN").await;
        let trusting = settings(&server, encryption, PASSWORD);
        let public = SmtpSettings { authorities: Authorities::default(), ..trusting.clone() };
        let answer = fails_at(public, &server).await;
        assert_eq!(answer.stage, Some(stage), "{answer:?}");
        assert!(answer.words.contains("certificate"), "{answer:?}");

        let other = StrictSmtpServer::start("elsewhere.example", encryption, "PLAIN").await;
        let answer = fails_at(settings(&other, encryption, PASSWORD), &other).await;
        assert_eq!(answer.stage, Some(stage), "{answer:?}");
        send(&mailer(trusting)).await.unwrap();
    }
}
