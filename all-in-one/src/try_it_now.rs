//! What the program prints once it runs.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where everything is, and commands to paste that show a mail arrive.
#[derive(Debug, Clone)]
pub struct TryItNow {
    /// The databases' folder.
    pub data_dir: PathBuf,
    /// The REST API.
    pub api: SocketAddr,
    /// The notifier's operator page and API.
    pub operator: SocketAddr,
    /// The mailbox page; without one, mail goes to another server.
    pub mailbox: Option<SocketAddr>,
    /// The development SMTP server.
    pub smtp: Option<SocketAddr>,
}

impl fmt::Display for TryItNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data_dir, api, operator, mailbox, smtp } = self;
        writeln!(f, "\ninf-user is running; its data is in {}\n", data_dir.display())?;
        writeln!(f, "  REST API  http://{api}/users")?;
        writeln!(f, "  API docs  http://{api}/docs")?;
        match (mailbox, smtp) {
            (Some(mailbox), Some(smtp)) => {
                writeln!(f, "  Mailbox   http://{mailbox}")?;
                writeln!(f, "  SMTP      smtp://{smtp}")?;
            }
            _ => writeln!(f, "  Mail      goes to the server of --smtp-url")?,
        }
        writeln!(
            f,
            "  Operator  http://{operator} with the token in {}",
            data_dir.join(crate::keys::OPERATOR_TOKEN).display()
        )?;
        writeln!(f, "\nTry it now in another terminal: register a user, log in, change it\n")?;
        writeln!(
            f,
            "  ID=$(curl -s http://{api}/users -H 'Content-Type: application/json' -d '{{\"username\":\"ada\",\"email\":\"ada@example.org\",\
             \"password\":\"correct-horse-battery\",\"fullName\":\"Ada Lovelace\"}}' | tee -a /dev/stderr | grep -oE '[0-9a-f-]{{36}}'); echo $ID"
        )?;
        writeln!(
            f,
            "  TOKEN=$(curl -s http://{api}/sessions -H 'Content-Type: application/json' -d '{{\"login\":\"ada\",\"password\":\"correct-horse-battery\"}}' \
             | grep -oE '\"accessToken\":\"[^\"]+' | cut -d '\"' -f 4); echo $TOKEN"
        )?;
        writeln!(
            f,
            "  curl -s -X PATCH http://{api}/users/$ID -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \
             -d '{{\"fullName\":\"Ada King\"}}'"
        )?;
        match mailbox {
            Some(mailbox) => {
                writeln!(f, "\nEach change puts a mail into the mailbox: open http://{mailbox}, or read")?;
                writeln!(f, "\n  curl -s http://{mailbox}/api/v1/messages")?;
            }
            None => writeln!(f, "\nEach change sends a mail to ada@example.org by that server.")?,
        }
        writeln!(
            f,
            "\nOnce you have tried the link in the first mail, delete the user, which sends another one\n"
        )?;
        writeln!(f, "  curl -s -X DELETE http://{api}/users/$ID -H \"Authorization: Bearer $TOKEN\"")?;
        writeln!(f, "\nCtrl-C stops it.")
    }
}
