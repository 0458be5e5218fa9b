//! `notifier-service doctor`, as an operator runs it.

use notifier_service::data_sources::MySqlNotificationLedger;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::support::databases::{Backend, random_suffix, with_server_database};

/// Its exit code and its lines.
async fn examined(variables: &[(&str, &str)]) -> (i32, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notifier-service"));
    command.arg("doctor").env_clear().envs(variables.iter().copied()).kill_on_drop(true);
    let output = command.output().await.unwrap();
    let lines = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    (output.status.code().unwrap(), lines)
}

/// The line about that, which must begin with that verdict.
#[track_caller]
fn line<'a>(lines: &'a [String], verdict: &str, about: &str) -> &'a str {
    let found = lines.iter().find(|line| line.get(8..).is_some_and(|rest| rest.starts_with(about)));
    let found = found.unwrap_or_else(|| panic!("nothing about {about}: {lines:#?}"));
    assert!(found.starts_with(verdict), "{found}");
    found
}

/// Greets whoever connects, and answers everything with `250`, for ever.
async fn mail_server() -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut said = [0; 512];
            let _hung_up = client.write_all(b"220 here\r\n").await;
            while client.read(&mut said).await.is_ok_and(|length| length > 0) {
                let _hung_up = client.write_all(b"250 ok\r\n").await;
            }
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_looked_at_and_what_is_missing_is_named_with_its_fix() {
    with_server_database(Backend::MySql, async |url| {
        MySqlNotificationLedger::migrate(&url).await.unwrap();
        tokio::spawn(looked_at(url)).await
    })
    .await;
}

async fn looked_at(url: String) {
    let folder = tempfile::tempdir().unwrap();
    let broker = format!("table://{}", folder.path().join("broker.db").display());
    let smtp = mail_server().await;
    let variables = |url| {
        [
            ("NOTIFIER_DATABASE_URL", url),
            ("NOTIFIER_BROKER_URL", broker.as_str()),
            ("NOTIFIER_SMTP_URL", smtp.as_str()),
            ("NOTIFIER_MAIL_FROM", "accounts@example.org"),
            ("NOTIFIER_PUBLIC_URL", "https://accounts.example.org"),
            ("NOTIFIER_ACTION_TOKEN_KEY", "0123456789abcdef0123456789abcdef"),
        ]
    };
    let (code, lines) = examined(&variables(url.as_str())).await;
    assert_eq!(code, 0, "{lines:#?}");
    for about in
        ["database-url", "clock", "privileges", "broker-url", "smtp-url", "templates", "keys", "dkim"]
    {
        line(&lines, "ok", about);
    }

    // What `run` would not start with.
    let unfit = [("NOTIFIER_SMTP_TIMEOUT_SECONDS", "90"), ("OTEL_TRACES_SAMPLER", "some")];
    let (code, lines) = examined(&[&variables(url.as_str())[..], &unfit].concat()).await;
    assert_eq!(code, 1, "{lines:#?}");
    assert!(line(&lines, "WRONG", "settings").contains("lease-seconds"), "{lines:#?}");
    assert!(line(&lines, "WRONG", "traces").contains("OTEL_TRACES_SAMPLER"), "{lines:#?}");

    let (server, name) = url.rsplit_once('/').unwrap();
    let user = format!("doctor{}", &random_suffix()[20..]);
    let mut root = <sqlx::MySqlConnection as sqlx::Connection>::connect(&url).await.unwrap();
    for statement in [
        format!("CREATE USER {user}@'%' IDENTIFIED BY 'p4ss'"),
        format!("GRANT SELECT ON {name}.* TO {user}@'%'"),
        format!("GRANT UPDATE ON {name}.notifications TO {user}@'%'"),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut root).await.unwrap();
    }
    let (_, address) = server.rsplit_once('@').unwrap();
    let with_fewer_rights = format!("mysql://{user}:p4ss@{address}/{name}");
    // Nobody listens there any more.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gone = format!("smtp://{gone}");
    let mut missing = variables(with_fewer_rights.as_str());
    missing[2].1 = &gone;
    let (code, lines) = examined(&missing).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("DROP USER {user}@'%'"))).execute(&mut root).await.unwrap();
    assert_eq!(code, 1, "{lines:#?}");
    let privileges = line(&lines, "WRONG", "privileges");
    assert!(
        privileges.contains("grant it: INSERT ON notifications, DELETE ON notifications"),
        "{privileges}"
    );
    let mail = line(&lines, "WRONG", "smtp-url");
    assert!(mail.contains("it ended at connect") && mail.contains("--smtp-url"), "{mail}");
    assert!(lines.iter().all(|line| !line.contains("p4ss")), "{lines:#?}");

    missing[5].1 = "short";
    let (code, lines) = examined(&missing).await;
    assert_eq!((code, lines.len()), (1, 1), "{lines:#?}");
    assert!(line(&lines, "WRONG", "settings").contains("NOTIFIER_ACTION_TOKEN_KEY"));
}
