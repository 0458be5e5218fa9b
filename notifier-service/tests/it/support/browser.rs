use std::path::Path;
use std::process::Stdio;

use thirtyfour::{ChromiumLikeCapabilities, DesiredCapabilities, WebDriver};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::DEADLINE;

const STARTED: &str = "was started successfully on port ";

/// Chromium, which somebody looks at through its driver.
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    process: Child,
}

impl Browser {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told by the environment what the machine has not"
    )]
    /// Starts one with a window of that size; `None`, with a word on why, where there is none.
    pub(crate) async fn start(folder: &Path, width: u32, height: u32) -> Option<Self> {
        if let Ok(reason) = std::env::var("TEST_SKIP_CHROMIUM") {
            eprintln!("skipped: {reason}");
            return None;
        }
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdout(Stdio::piped()).kill_on_drop(true);
        // Chromium keeps its profile and its sockets there.
        command.env("TMPDIR", folder).env("HOME", folder);
        let mut process = command.spawn().expect("chromedriver, which scripts/test installs");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let started = async {
            loop {
                let line =
                    lines.next_line().await.unwrap().expect("chromedriver says its port before it ends");
                if let Some((_, port)) = line.split_once(STARTED) {
                    return port.trim_end_matches('.').to_owned();
                }
            }
        };
        let port = tokio::time::timeout(DEADLINE, started).await.expect("chromedriver to start in time");
        let mut wanted = DesiredCapabilities::chrome();
        // Its sandbox needs rights that a container's root has not; the pages are our own.
        for argument in ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] {
            wanted.add_arg(argument).unwrap();
        }
        wanted.add_arg(&format!("--window-size={width},{height}")).unwrap();
        let driver = WebDriver::new(&format!("http://127.0.0.1:{port}"), wanted).await.unwrap();
        Some(Self { driver, process })
    }

    /// Ends it.
    pub(crate) async fn close(mut self) {
        self.driver.quit().await.unwrap();
        self.process.kill().await.unwrap();
    }
}
