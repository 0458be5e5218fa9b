//! What the program says to its settings, run as a process that is told everything by its environment.

use std::process::{Command, Output};

const KEY: &str = "a-key-of-the-tests-that-is-long-enough";

/// Runs the program with what it needs and what is changed of that; a value of `None` takes a setting away.
/// The database is not migrated, so that settings without fault end in that refusal.
fn run(changes: &[(&str, Option<&str>)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("notifier.db");
    let broker = folder.path().join("broker.db");
    let mut command = Command::new(env!("CARGO_BIN_EXE_notifier-service"));
    command
        .arg("run")
        .env_clear()
        .env("NOTIFIER_DATABASE_URL", format!("sqlite://{}", database.display()))
        .env("NOTIFIER_BROKER_URL", format!("table://{}", broker.display()))
        .env("NOTIFIER_SMTP_URL", "smtp://127.0.0.1:1025")
        .env("NOTIFIER_MAIL_FROM", "accounts@sender.example")
        .env("NOTIFIER_PUBLIC_URL", "https://accounts.example.org")
        .env("NOTIFIER_ACTION_TOKEN_KEY", KEY);
    for (name, value) in changes {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn settings_without_fault_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{KEY}\n{KEY}\n")).unwrap();
    let in_a_file = [
        ("NOTIFIER_ACTION_TOKEN_KEY", None),
        ("NOTIFIER_ACTION_TOKEN_KEY_FILE", Some(file.to_str().unwrap())),
        ("NOTIFIER_PUBLIC_URL", Some("http://127.0.0.1:8080/accounts/")),
    ];
    for changes in [&[][..], &in_a_file] {
        let said = said(&run(changes));
        assert!(said.contains("notifier-service migrate"), "{said}");
    }
}

#[test]
fn a_bad_setting_of_links_is_refused_by_its_name_and_what_it_accepts() {
    for (setting, value, words) in [
        ("NOTIFIER_PUBLIC_URL", None, "--public-url"),
        ("NOTIFIER_PUBLIC_URL", Some("accounts.example.org"), "https://HOST"),
        ("NOTIFIER_PUBLIC_URL", Some("https://accounts.example.org/?page="), "without user, query"),
        ("NOTIFIER_ACTION_TOKEN_KEY", None, "--action-token-key-file"),
        ("NOTIFIER_ACTION_TOKEN_KEY", Some("short-secret"), "at least 32 characters"),
        ("NOTIFIER_CONFIRM_LINK_HOURS", Some("0"), "1..=720"),
        ("NOTIFIER_CONFIRM_LINK_HOURS", Some("721"), "1..=720"),
        ("NOTIFIER_RESET_LINK_MINUTES", Some("4"), "5..=1440"),
        ("NOTIFIER_RESET_LINK_MINUTES", Some("1441"), "5..=1440"),
    ] {
        let said = said(&run(&[(setting, value)]));
        let flag = setting.trim_start_matches("NOTIFIER_").replace('_', "-").to_lowercase();
        assert!(said.contains(&format!("--{flag}")) && said.contains(words), "{setting}={value:?}: {said}");
        assert!(!said.contains("short-secret"), "{said}");
    }
}

/// A self-signed certificate, for want of which a file of authorities is refused.
fn certificate() -> String {
    rcgen::generate_simple_self_signed(["mail.example".to_owned()]).unwrap().cert.pem()
}

#[test]
fn settings_of_sending_without_fault_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, password) = (folder.path().join("ca.pem"), folder.path().join("password"));
    std::fs::write(&authority, certificate()).unwrap();
    std::fs::write(&password, "secret\n").unwrap();
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/dkim-rsa.pem");
    let said = said(&run(&[
        ("NOTIFIER_SMTP_URL", Some("smtps://user@mail.example")),
        ("NOTIFIER_SMTP_PASSWORD_FILE", password.to_str()),
        ("NOTIFIER_SMTP_CA_FILE", authority.to_str()),
        ("NOTIFIER_DKIM_KEY_FILE", Some(key)),
        ("NOTIFIER_DKIM_SELECTOR", Some("mail2026")),
        ("NOTIFIER_SEND_RATE", Some("14")),
        ("NOTIFIER_SUPPRESS_SECONDS", Some("0")),
    ]));
    assert!(said.contains("notifier-service migrate"), "{said}");
}

#[test]
fn a_bad_setting_of_sending_is_refused_by_its_name_and_what_it_accepts() {
    let key = include_str!("support/dkim-rsa.pem");
    let with_key = |setting: &'static str, value: &'static str| {
        vec![("NOTIFIER_DKIM_KEY", Some(key)), (setting, Some(value))]
    };
    for (changes, flag, words) in [
        (vec![("NOTIFIER_SMTP_PASSWORD", Some("secret"))], "smtp-password", "names no user"),
        (
            vec![("NOTIFIER_SMTP_PASSWORD_FILE", Some("/no/such/file"))],
            "smtp-password-file",
            "cannot be read",
        ),
        (vec![("NOTIFIER_SMTP_CA_FILE", Some("/no/such/file"))], "smtp-ca-file", "cannot be read"),
        (vec![("NOTIFIER_SMTP_CA_FILE", Some("/dev/null"))], "smtp-ca-file", "BEGIN CERTIFICATE"),
        (vec![("NOTIFIER_DKIM_SELECTOR", Some("mail"))], "dkim-key", "is missing"),
        (
            vec![("NOTIFIER_DKIM_KEY", Some("secret")), ("NOTIFIER_DKIM_SELECTOR", Some("m"))],
            "dkim-key",
            "PEM",
        ),
        (with_key("NOTIFIER_DKIM_DOMAIN", "sender.example"), "dkim-selector", "letters"),
        (with_key("NOTIFIER_DKIM_SELECTOR", "a b"), "dkim-selector", "letters"),
        (vec![("NOTIFIER_SEND_RATE", Some("-1"))], "send-rate", "-1"),
        (vec![("NOTIFIER_SEND_RATE", Some("many"))], "send-rate", "many"),
        (vec![("NOTIFIER_SUPPRESS_SECONDS", Some("31536001"))], "suppress-seconds", "0..=31536000"),
        (vec![("NOTIFIER_OUTAGE_FIRST_PAUSE_MS", Some("0"))], "outage-first-pause-ms", "1..=3600000"),
        (vec![("NOTIFIER_OUTAGE_LONGEST_PAUSE_MS", Some("0"))], "outage-longest-pause-ms", "1..=3600000"),
    ] {
        let said = said(&run(&changes));
        assert!(said.contains(&format!("--{flag}")) && said.contains(words), "{flag}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn a_bad_setting_of_what_mails_say_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("welcome.html"), "<p>Hello").unwrap();
    let long = "x".repeat(61);
    for (setting, value, words) in [
        ("NOTIFIER_CONTACT", "help", "help@example.org"),
        ("NOTIFIER_CONTACT", "javascript:alert(1)", "https://"),
        ("NOTIFIER_SERVICE_NAME", "", "1 to 60 characters"),
        ("NOTIFIER_SERVICE_NAME", &long, "1 to 60 characters"),
        ("NOTIFIER_TEMPLATES", "/no/such/folder", "/no/such/folder cannot be read"),
        (
            "NOTIFIER_TEMPLATES",
            folder.path().to_str().unwrap(),
            "welcome.html takes the place of no template",
        ),
    ] {
        let said = said(&run(&[(setting, Some(value))]));
        let flag = setting.trim_start_matches("NOTIFIER_").replace('_', "-").to_lowercase();
        assert!(said.contains(&flag) && said.contains(words), "{setting}={value:?}: {said}");
    }
    let said = said(&run(&[
        ("NOTIFIER_CONTACT", Some("help@example.org")),
        ("NOTIFIER_SERVICE_NAME", Some("Ada & Co.")),
    ]));
    assert!(said.contains("notifier-service migrate"), "{said}");
}

#[test]
fn a_time_that_nothing_can_be_kept_for_is_refused_by_its_setting() {
    for (setting, value, words) in [
        ("NOTIFIER_RETENTION_DAYS", "0", "1..=3650"),
        ("NOTIFIER_ID_RETENTION_DAYS", "0", "1..=36500"),
        ("NOTIFIER_HOUSEKEEPING_SECONDS", "0", "1..=86400"),
    ] {
        let said = said(&run(&[(setting, Some(value))]));
        let flag = setting.trim_start_matches("NOTIFIER_").replace('_', "-").to_lowercase();
        assert!(said.contains(&flag) && said.contains(words), "{setting}={value:?}: {said}");
    }
}

#[test]
fn an_operators_page_needs_an_address_and_a_long_token() {
    let listen = ("NOTIFIER_OPERATOR_LISTEN", Some("127.0.0.1:0"));
    for (changes, words) in [
        (vec![("NOTIFIER_OPERATOR_LISTEN", Some("everywhere"))], "--operator-listen"),
        (vec![listen], "--operator-token-file"),
        (vec![listen, ("NOTIFIER_OPERATOR_TOKEN", Some("short-secret"))], "at least 32 characters"),
    ] {
        let said = said(&run(&changes));
        assert!(said.contains(words) && !said.contains("short-secret"), "{words}: {said}");
    }
}

#[test]
fn a_key_file_that_cannot_be_read_is_named() {
    let changes =
        [("NOTIFIER_ACTION_TOKEN_KEY", None), ("NOTIFIER_ACTION_TOKEN_KEY_FILE", Some("/no/such/file"))];
    let said = said(&run(&changes));
    for part in ["--action-token-key-file", "NOTIFIER_ACTION_TOKEN_KEY_FILE", "/no/such/file"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn help_tells_the_settings_of_links_and_not_the_key() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notifier-service"));
    let output = command.args(["run", "--help"]).env("NOTIFIER_ACTION_TOKEN_KEY", KEY).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for flag in [
        "public-url",
        "action-token-key",
        "action-token-key-file",
        "confirm-link-hours",
        "reset-link-minutes",
    ] {
        let variable = format!("NOTIFIER_{}", flag.replace('-', "_").to_uppercase());
        assert!(help.contains(&format!("--{flag} ")) && help.contains(&variable), "{flag}: {help}");
    }
    assert!(!help.contains(KEY), "{help}");
}
