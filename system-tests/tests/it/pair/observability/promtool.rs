use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::queries::{alerts, folder, metrics_in};
use super::scrape::Scrape;

/// Prometheus' own tool, as `scripts/check-observability` fetches it.
pub(super) struct Promtool(PathBuf);

impl Promtool {
    pub(super) fn find() -> Self {
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("scripts/check-observability");
        let output = Command::new(script).arg("--promtool").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self(String::from_utf8(output.stdout).unwrap().trim_end().into())
    }

    /// Names, units, types and help texts are as they should be.
    pub(super) fn check_metrics(&self, scraped: &Scrape) {
        let mut command = Command::new(&self.0);
        command
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(scraped.text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}\n{scraped:?}");
    }

    /// Whether the alert fires when what was scraped stays as it is for a quarter of an hour.
    ///
    /// promtool tells by its exit code whether just the expected alerts fire, and none is expected.
    pub(super) fn fires(&self, alert: &str, scraped: &Scrape) -> bool {
        let rules = folder().join("alerts.yml");
        let series: String = scraped
            .as_scraped(&metrics_in(&alerts()[alert]))
            .into_iter()
            .map(|(series, value)| format!("      - {{series: '{series}', values: '{value}+0x20'}}\n"))
            .collect();
        let series = if series.is_empty() { "      []\n".to_owned() } else { series };
        let test = format!(
            "rule_files: ['{}']\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n{series}    \
             alert_rule_test:\n      - {{alertname: {alert}, eval_time: 15m, exp_alerts: []}}\n",
            rules.display()
        );
        let file = tempfile::Builder::new().suffix(".yml").tempfile().unwrap();
        std::fs::write(file.path(), test).unwrap();
        let output = Command::new(&self.0).args(["test", "rules"]).arg(file.path()).output().unwrap();
        if output.status.success() {
            return false;
        }
        let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("got:[") && said.contains(&format!("alertname=\"{alert}\"")), "{said}");
        true
    }
}
