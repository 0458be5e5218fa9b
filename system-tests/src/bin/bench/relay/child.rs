//! A floor runs as a process of its own, so that its processor time and its memory are its own.

use std::io::Read as _;
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::Failure;

/// By this it is told where MySQL is: arguments can be seen by everybody, and this may hold a password.
pub(super) const MYSQL_URL: &str = "TEST_MYSQL_URL";

/// Starts this program anew with those arguments.
pub(super) fn start(arguments: &[&str], mysql_url: &str) -> Result<Child, Failure> {
    let child = Command::new(std::env::current_exe()?)
        .args(arguments)
        .env(MYSQL_URL, mysql_url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

/// Lets it end, which it must do with success.
pub(super) async fn release(mut child: Child) -> Result<(), Failure> {
    drop(child.stdin.take());
    let status = child.wait().await?;
    if status.success() { Ok(()) } else { Err(format!("a floor's process: {status}").into()) }
}

/// In the child: stays until the parent has looked what it has used.
pub(crate) fn wait_to_be_released() {
    let mut nothing = Vec::new();
    // However that ends, the parent is done with it.
    let _ended = std::io::stdin().read_to_end(&mut nothing);
}
