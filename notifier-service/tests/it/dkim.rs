//! The signature of a mail as it arrives, checked by somebody else's verifier.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::DomainKey;
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator, Parameters, ResolverCache, Txt};
use notifier_service::data_sources::{DkimSigner, SmtpMailer, SmtpSettings, SystemClock};
use notifier_service::entities::Mail;
use notifier_service::repositories::Mailer;
use rcgen::{KeyPair, PKCS_ED25519};

use crate::support::mails::mail;
use crate::support::smtp_server::SmtpServer;

// Made for these tests by `openssl genpkey -algorithm RSA`, and of use nowhere else.
const RSA: &str = include_str!("support/dkim-rsa.pem");
const RSA_PKCS1: &str = include_str!("support/dkim-rsa-pkcs1.pem");
const RSA_PUBLIC: &str = include_str!("support/dkim-rsa-public.pem");

/// The names that somebody could look up.
struct Dns(HashMap<String, Txt>);

impl Dns {
    fn with(record: &str) -> Self {
        let key = DomainKey::parse(record.as_bytes()).unwrap();
        let name = "mail2026._domainkey.sender.example.".to_owned();
        Self(HashMap::from([(name, Txt::DomainKey(Arc::new(key)))]))
    }
}

impl ResolverCache<String, Txt> for Dns {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        String: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.get(name).cloned()
    }

    fn remove<Q>(&self, _name: &Q) -> Option<Txt>
    where
        String: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _name: String, _record: Txt, _valid_until: Instant) {}
}

async fn is_signed(message: &str, dns: &Dns) -> bool {
    let message = AuthenticatedMessage::parse(message.as_bytes()).unwrap();
    // Never asked: the record is in the cache.
    let authenticator = MessageAuthenticator::new_cloudflare().unwrap();
    let results = authenticator.verify_dkim(Parameters::new(&message).with_txt_cache(dns)).await;
    results.len() == 1 && *results[0].result() == DkimResult::Pass
}

/// The message as a server got it from us, signed by that key.
async fn received(mail: &Mail, key: &str) -> String {
    let server = SmtpServer::start([]).await;
    let settings = SmtpSettings::parse(&server.url().into(), "Accounts <accounts@sender.example>").unwrap();
    let dkim = Some(DkimSigner::parse(&key.into(), "mail2026", "sender.example").unwrap());
    let mailer = SmtpMailer::new(SmtpSettings { dkim, ..settings }, Arc::new(SystemClock::start()));
    mailer.send(mail, Duration::from_secs(600)).await.unwrap();
    server.accepted().pop().unwrap().message
}

fn rsa_record() -> Dns {
    let key: String = RSA_PUBLIC.lines().filter(|line| !line.starts_with('-')).collect();
    Dns::with(&format!("v=DKIM1; k=rsa; p={key}"))
}

#[tokio::test]
async fn each_kind_of_key_makes_a_signature_that_others_accept() {
    let pair = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let public = STANDARD.encode(pair.public_key_raw());
    let ed25519 = Dns::with(&format!("v=DKIM1; k=ed25519; p={public}"));
    let odd = Mail {
        recipient_name: Some("Ada \"the first\"  Łovelace, 🦀 ".repeat(8)),
        subject: "Olá,  está tudo bem ".repeat(12),
        text: "trailing blanks \t \n\n\ta  b\n\n\n".into(),
        ..mail(2, "ada@example.org")
    };
    for mail in [mail(1, "ada@example.org"), odd] {
        for (key, dns) in
            [(RSA, &rsa_record()), (RSA_PKCS1, &rsa_record()), (pair.serialize_pem().as_str(), &ed25519)]
        {
            let message = received(&mail, key).await;
            assert!(is_signed(&message, dns).await, "{message}");
            assert!(message.lines().all(|line| line.len() <= 998), "RFC 5322 2.1.1");
        }
    }
}

#[tokio::test]
async fn a_mail_that_somebody_changed_is_not_ours_any_more() {
    let message = received(&mail(1, "ada@example.org"), RSA).await;
    let dns = rsa_record();
    for (before, after) in [
        ("Subject: Your account", "Subject: Your bank account"),
        ("To: ", "To: eve@evil.example, "),
        ("Hello", "Hallo"),
        ("From: ", "From: eve@evil.example\r\nFrom: "),
        ("Subject: ", "Subject: You won\r\nSubject: "),
    ] {
        let changed = message.replacen(before, after, 1);
        assert_ne!(changed, message, "{before}");
        assert!(!is_signed(&changed, &dns).await, "{before} -> {after}");
    }
    assert!(is_signed(&message, &dns).await);
}

#[tokio::test]
async fn without_a_key_nothing_is_signed() {
    let server = SmtpServer::start([]).await;
    let settings = SmtpSettings::parse(&server.url().into(), "accounts@sender.example").unwrap();
    let mailer = SmtpMailer::new(settings, Arc::new(SystemClock::start()));
    mailer.send(&mail(1, "ada@example.org"), Duration::from_secs(600)).await.unwrap();
    assert!(!server.accepted()[0].message.contains("DKIM-Signature"));
}
