use std::sync::Arc;
use std::time::Duration;

use telemetry::metrics::Metrics;

use crate::repositories::{LedgerError, LedgerWatch, OperatorLedger};

/// How often what is due is looked at most.
const DUE_INTERVAL: Duration = Duration::from_secs(5);
/// How often all mails are counted at most, which takes the database a while where there are millions.
const COUNT_INTERVAL: Duration = Duration::from_secs(60);

/// Tells what is in the ledger.
pub fn watch_ledger(metrics: &Metrics, ledger: Arc<dyn OperatorLedger>, watch: Arc<dyn LedgerWatch>) {
    let mails = metrics.gauges("notifier_ledger_mails", "Mails in the ledger, by their state.", &["state"]);
    metrics.sample("ledger", COUNT_INTERVAL, mails.clone(), move || {
        let (ledger, mails) = (ledger.clone(), mails.clone());
        async move {
            let counts = ledger.count_states().await?;
            for (state, count) in [
                ("queued", counts.queued),
                ("sent", counts.sent),
                ("dead", counts.dead),
                ("cancelled", counts.cancelled),
            ] {
                mails.with_label_values(&[state]).set(as_gauge(count));
            }
            Ok::<_, LedgerError>(())
        }
    });
    let due = metrics.gauges(
        "notifier_due_mail_age_seconds",
        "For how long the mail has been due that a worker would claim next; 0 where none is.",
        &[],
    );
    let suppressed = metrics.gauges(
        "notifier_suppressed_addresses",
        "Addresses that get no mail for now, since a server refused them for good.",
        &[],
    );
    metrics.sample("due mails", DUE_INTERVAL, [due.clone(), suppressed.clone()], move || {
        let (watch, due, suppressed) = (watch.clone(), due.clone(), suppressed.clone());
        async move {
            let (next, none): (_, &[&str]) = (watch.next_due().await?, &[]);
            due.with_label_values(none).set(next.map_or(0.0, |next| next.due_for.as_secs_f64()));
            suppressed.with_label_values(none).set(as_gauge(watch.count_suppressed().await?));
            Ok::<_, LedgerError>(())
        }
    });
}

fn as_gauge(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
