//! [`SmtpMailer`] against a server that does as it is told.

use std::sync::Arc;
use std::time::Duration;

use mail_parser::MessageParser;
use notifier_service::data_sources::{SmtpMailer, SmtpSettings, SystemClock};
use notifier_service::entities::{Answer, DialogueStage};
use notifier_service::repositories::{Mailer, MailerError};
use secrecy::SecretString;

use crate::support::mails::mail;
use crate::support::smtp_server::{Act, Session, SmtpServer};

/// A deadline that does not come.
const NO_HURRY: Duration = Duration::from_secs(600);
/// A timeout that has to pass, and yet long enough for a busy machine to get through the steps before.
const BRIEF: Duration = Duration::from_secs(2);

fn settings(url: &str) -> SmtpSettings {
    SmtpSettings::parse(&SecretString::from(url), "Accounts <accounts@sender.example>").unwrap()
}

fn mailer(server: &SmtpServer) -> SmtpMailer {
    mailer_with(settings(&server.url()))
}

fn mailer_with(settings: SmtpSettings) -> SmtpMailer {
    SmtpMailer::new(settings, Arc::new(SystemClock::start()))
}

async fn send(mailer: &SmtpMailer) -> Result<Answer, MailerError> {
    mailer.send(&mail(1, "ada@example.org"), NO_HURRY).await
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let server = SmtpServer::start([]).await;
    send(&mailer(&server)).await.unwrap();
    let [accepted] = server.accepted().try_into().unwrap();
    assert_eq!(accepted.mail_from, "MAIL FROM:<accounts@sender.example>");
    assert_eq!(accepted.rcpt_to, "RCPT TO:<ada@example.org>");
    let message = MessageParser::default().parse(accepted.message.as_bytes()).unwrap();
    assert_eq!(message.subject(), Some("Your account"));
    assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n").trim_end(), "Hello\n.\n..dots\nend");
    assert_eq!(message.message_id(), Some("00000000-0000-0000-0000-000000000001@sender.example"));
}

#[tokio::test]
async fn a_connection_is_used_again_without_asking_whether_it_is_alive() {
    let server = SmtpServer::start([]).await;
    let mailer = mailer(&server);
    for _ in 0..3 {
        send(&mailer).await.unwrap();
    }
    assert_eq!((server.connections(), server.accepted().len()), (1, 3));
    let verbs: Vec<_> = server.commands().iter().map(|line| line[..4].to_owned()).collect();
    assert_eq!(verbs, ["EHLO", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA"]);
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_replaced_at_once() {
    let closes = Session { mails: 1, ..Session::default() };
    let server = SmtpServer::start([closes, closes]).await;
    let mailer = mailer(&server);
    for _ in 0..3 {
        send(&mailer).await.unwrap();
    }
    assert_eq!((server.connections(), server.accepted().len()), (3, 3));
}

#[tokio::test]
async fn before_rcpt_every_failure_is_the_servers() {
    let fine = Session::default();
    let refusals = [Act::Say("554 go away"), Act::Say("421 busy"), Act::Drop];
    for refusal in refusals {
        for session in [
            Session { greeting: refusal, ..fine },
            Session { ehlo: refusal, ..fine },
            Session { auth: refusal, ..fine },
            Session { mail: refusal, ..fine },
        ] {
            let server = SmtpServer::start([session]).await;
            let mailer = mailer_with(settings(&server.url_with_password()));
            let error = send(&mailer).await.unwrap_err();
            assert!(matches!(error, MailerError::ServerUnavailable(_)), "{session:?}: {error:?}");
            assert!(!error.to_string().contains("secret"), "{error}");
            send(&mailer).await.expect("the next connection goes well");
            assert_eq!(server.accepted().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let server = SmtpServer::start([]).await;
    let mailer = mailer(&server);
    drop(server);
    tokio::task::yield_now().await;
    let error = send(&mailer).await.unwrap_err();
    assert!(matches!(error, MailerError::ServerUnavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_5xx_to_rcpt_or_data_is_final_and_the_connection_goes_on() {
    let fine = Session::default();
    let no = Act::Say("550 5.1.1 no such user");
    for session in
        [Session { rcpt: no, ..fine }, Session { data: no, ..fine }, Session { message: no, ..fine }]
    {
        let server = SmtpServer::start([session]).await;
        let mailer = mailer(&server);
        for _ in 0..2 {
            let error = send(&mailer).await.unwrap_err();
            let (MailerError::AddressRefused(answer) | MailerError::Refused(answer)) = &error else {
                panic!("{session:?}: {error:?}")
            };
            let is_about_the_address = matches!(error, MailerError::AddressRefused(_));
            assert_eq!(is_about_the_address, answer.stage == Some(DialogueStage::RcptTo), "{error:?}");
            assert_eq!(answer.words, "550 5.1.1 no such user");
        }
        assert_eq!(server.connections(), 1);
        assert!(server.commands().contains(&"RSET".to_owned()));
    }
}

#[tokio::test]
async fn a_4xx_to_rcpt_or_data_and_a_lost_connection_after_mail_from_are_put_off() {
    let fine = Session::default();
    for trouble in [Act::Say("451 later"), Act::Say("421 closing"), Act::Drop, Act::Say("no reply of SMTP")] {
        for session in [
            Session { rcpt: trouble, ..fine },
            Session { data: trouble, ..fine },
            Session { message: trouble, ..fine },
        ] {
            let server = SmtpServer::start([session]).await;
            let mailer = mailer(&server);
            let error = send(&mailer).await.unwrap_err();
            assert!(matches!(error, MailerError::Deferred(_)), "{session:?}: {error:?}");
            assert!(error.is_retryable());
        }
    }
}

#[tokio::test]
async fn no_answer_in_time_ends_the_attempt_by_its_stage() {
    let fine = Session::default();
    let cases = [
        (Session { greeting: Act::Hang, ..fine }, true),
        (Session { mail: Act::Hang, ..fine }, true),
        (Session { rcpt: Act::Hang, ..fine }, false),
        (Session { message: Act::Hang, ..fine }, false),
    ];
    let attempts = cases.map(|(session, is_servers)| async move {
        let server = SmtpServer::start([session]).await;
        let brief = SmtpSettings { command_timeout: BRIEF, ..settings(&server.url()) };
        let error = send(&mailer_with(brief)).await.unwrap_err();
        let is_unavailable = matches!(error, MailerError::ServerUnavailable(_));
        assert_eq!(is_unavailable, is_servers, "{session:?}: {error:?}");
        send(&mailer(&server)).await.expect("the next connection goes well");
    });
    futures_util::future::join_all(attempts).await;
}

#[tokio::test]
async fn the_whole_dialogue_has_a_deadline() {
    let server = SmtpServer::start([Session { message: Act::Hang, ..Session::default() }]).await;
    let mailer = mailer_with(SmtpSettings { total_timeout: BRIEF, ..settings(&server.url()) });
    let error = send(&mailer).await.unwrap_err();
    assert!(matches!(error, MailerError::Deferred(_)), "{error:?}");
}

#[tokio::test]
async fn internationalised_addresses_go_where_they_are_understood() {
    let ascii_only = Session { ehlo: Act::Say("250-test\r\n250 8BITMIME"), ..Session::default() };
    let server = SmtpServer::start([ascii_only]).await;
    let to_domain = mailer(&server);
    to_domain.send(&mail(1, "ada@bücher.example"), NO_HURRY).await.unwrap();
    assert_eq!(server.accepted()[0].rcpt_to, "RCPT TO:<ada@xn--bcher-kva.example>");
    // The idle connection lacks SMTPUTF8; the fresh one, by default, has it.
    to_domain.send(&mail(2, "üda@bücher.example"), NO_HURRY).await.unwrap();
    assert!(server.accepted()[1].mail_from.contains("SMTPUTF8"), "{:?}", server.accepted()[1]);

    let server = SmtpServer::start([ascii_only]).await;
    let error = mailer(&server).send(&mail(3, "üda@example.org"), NO_HURRY).await.unwrap_err();
    assert!(matches!(&error, MailerError::Refused(answer) if answer.words.contains("SMTPUTF8")), "{error:?}");
    assert_eq!(server.commands().iter().filter(|line| line.starts_with("MAIL")).count(), 0);
}

#[tokio::test]
async fn without_tls_a_server_is_not_used_where_tls_is_required() {
    let server = SmtpServer::start([]).await;
    let mailer = mailer_with(settings(&format!("{}?tls=required", server.url())));
    let error = send(&mailer).await.unwrap_err();
    assert!(matches!(error, MailerError::ServerUnavailable(_)), "{error:?}");
    assert!(server.commands().iter().all(|line| line.starts_with("EHLO") || line == "QUIT"));

    let mailer = mailer_with(settings(&format!("{}?tls=opportunistic", server.url())));
    send(&mailer).await.unwrap();
}
