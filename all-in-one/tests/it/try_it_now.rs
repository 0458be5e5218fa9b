//! What somebody does who has just found the project: starts it, and pastes what it prints.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::{AllInOneProcess, command};

/// The promise of the issue: each mail is there within a second of the call.
const MAIL_DEADLINE: Duration = Duration::from_secs(1);
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// A terminal in which the printed lines are pasted one after the other.
#[derive(Default)]
struct Terminal {
    id: String,
    token: String,
}

impl Terminal {
    /// What the line prints.
    fn paste(&self, line: &str) -> String {
        let mut shell = Command::new("bash");
        shell.args(["-c", line]).env("ID", &self.id).env("TOKEN", &self.token).stderr(Stdio::inherit());
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{line}: {}", output.status);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The lines that register a user and log in, and set what the others use.
    fn begin(program: &AllInOneProcess) -> Self {
        let mut terminal = Self::default();
        terminal.id = terminal.paste(program.command_line("ID="));
        assert_eq!(terminal.id.len(), 36, "it prints the new user's id: {:?}", terminal.id);
        terminal.token = terminal.paste(program.command_line("TOKEN="));
        assert_eq!(terminal.token.split('.').count(), 3, "it prints the token: {:?}", terminal.token);
        terminal
    }
}

/// The newest mail once there are `count`.
async fn newest_of(mailbox: &str, count: u64) -> Value {
    let deadline = Instant::now() + MAIL_DEADLINE;
    loop {
        let list: Value =
            reqwest::get(format!("{mailbox}/api/v1/messages")).await.unwrap().json().await.unwrap();
        if list["total"].as_u64() == Some(count) {
            return list["messages"][0].clone();
        }
        assert!(Instant::now() < deadline, "mail {count} is not there within {MAIL_DEADLINE:?}: {list}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_printed_commands_put_three_mails_into_the_mailbox() {
    let folder = tempfile::tempdir().unwrap();
    let program = AllInOneProcess::start(command(folder.path()));
    let mailbox = program.address("Mailbox").to_owned();

    let terminal = Terminal::begin(&program);
    let registered = newest_of(&mailbox, 1).await;
    let changed = terminal.paste(program.command_line("curl -s -X PATCH"));
    assert!(changed.contains("Ada King"), "{changed}");
    let updated = newest_of(&mailbox, 2).await;
    assert_eq!(terminal.paste(program.command_line("curl -s -X DELETE")), "");
    let deleted = newest_of(&mailbox, 3).await;

    for (mail, subject) in [(&registered, "Welcome"), (&updated, "was changed"), (&deleted, "was deleted")] {
        assert_eq!(mail["To"][0]["Address"], "ada@example.org");
        assert!(mail["Subject"].as_str().unwrap().contains(subject), "{subject}: {mail}");
    }
    let api = program.address("REST API").trim_end_matches("/users");
    let confirm_link = format!("{api}/confirm?token=");
    for (mail, holds) in [(&registered, confirm_link.as_str()), (&updated, "Full name")] {
        let id = mail["ID"].as_str().unwrap();
        let whole: Value =
            reqwest::get(format!("{mailbox}/api/v1/message/{id}")).await.unwrap().json().await.unwrap();
        let html = whole["HTML"].as_str().unwrap().replace("&#x2f;", "/");
        for body in [whole["Text"].as_str().unwrap(), &html] {
            assert!(body.contains(holds), "{holds} in {body}");
        }
    }
    program.interrupt(STOP_DEADLINE);
}

#[tokio::test]
async fn what_it_keeps_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let program = AllInOneProcess::start(command(folder.path()));
    let Terminal { id, token } = Terminal::begin(&program);
    program.interrupt(STOP_DEADLINE);

    let program = AllInOneProcess::start(command(folder.path()));
    let users = program.address("REST API");
    // The session goes on too: the key that it is signed by is kept with the data.
    let read = reqwest::Client::new().get(format!("{users}/{id}")).bearer_auth(token);
    let user: Value = read.send().await.unwrap().json().await.unwrap();
    assert_eq!(user["username"], "ada");
}

#[test]
fn ctrl_c_stops_it_in_time_also_while_a_client_holds_a_connection() {
    let folder = tempfile::tempdir().unwrap();
    let program = AllInOneProcess::start(command(folder.path()));
    let api = program.address("REST API").trim_start_matches("http://").trim_end_matches("/users").to_owned();
    // A request of which only the head was sent keeps its connection busy.
    let mut client = std::net::TcpStream::connect(api).unwrap();
    std::io::Write::write_all(
        &mut client,
        b"POST /users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    )
    .unwrap();
    program.interrupt(STOP_DEADLINE);
}

#[tokio::test]
async fn the_operators_page_takes_the_token_that_is_kept_with_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let program = AllInOneProcess::start(command(folder.path()));
    let (page, file) = program.address("Operator").split_once(" with the token in ").unwrap();
    let token = std::fs::read_to_string(file).unwrap();
    let counts = reqwest::Client::new().get(format!("{page}/api/counts"));
    let refused = counts.try_clone().unwrap().send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let counts: Value = counts.bearer_auth(token.trim()).send().await.unwrap().json().await.unwrap();
    assert_eq!(counts["dead"], 0, "{counts}");
    program.interrupt(STOP_DEADLINE);
}

#[test]
fn a_taken_port_is_an_error_that_names_the_port_and_its_flag() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (flag, variable) in [
        ("--api-port", "INF_USER_API_PORT"),
        ("--mailbox-port", "INF_USER_MAILBOX_PORT"),
        ("--operator-port", "INF_USER_OPERATOR_PORT"),
        ("--smtp-port", "INF_USER_SMTP_PORT"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = command(folder.path()).arg(flag).arg(&port).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{flag}");
        for part in [flag, variable, &port] {
            assert!(said.contains(part), "{part} in {said:?}");
        }
    }
}

#[test]
fn a_bad_setting_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for (arguments, named) in [
        (["--smtp-url", "http://secret@nowhere"], "--smtp-url"),
        (["--mail-from", "nobody"], "--mail-from"),
        (["--log", "a=b=c"], "--log"),
        (["--data-dir", file.to_str().unwrap()], "--data-dir"),
    ] {
        // clap lets the last of two win only where it is told to, so the folder is given once.
        let mut program = Command::new(env!("CARGO_BIN_EXE_all-in-one"));
        program.env_clear().env("INF_USER_DATA_DIR", folder.path().join("data")).args(arguments);
        for port in
            ["INF_USER_API_PORT", "INF_USER_MAILBOX_PORT", "INF_USER_OPERATOR_PORT", "INF_USER_SMTP_PORT"]
        {
            program.env(port, "0");
        }
        let output = program.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(named), "{named} in {said:?}");
        assert!(!said.contains("secret"), "{said:?}");
    }
}

#[test]
fn help_tells_every_flag_with_its_variable() {
    let output = Command::new(env!("CARGO_BIN_EXE_all-in-one")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for flag in
        ["data-dir", "api-port", "mailbox-port", "operator-port", "smtp-port", "smtp-url", "mail-from", "log"]
    {
        let variable = format!("INF_USER_{}", flag.replace('-', "_").to_uppercase());
        assert!(help.contains(&format!("--{flag}")) && help.contains(&variable), "{flag}: {help}");
    }
}
