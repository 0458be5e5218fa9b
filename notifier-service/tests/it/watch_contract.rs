//! What [`LedgerWatch`] promises, run against every ledger.

use std::sync::Arc;
use std::time::Duration;

use notifier_service::entities::{Answer, NotificationId, Recipient};
use notifier_service::repositories::LedgerWatch;

use crate::support::databases::{WholeLedger, on_every_ledger};
use crate::support::events::notification;

type Ledger = Arc<dyn WholeLedger>;

const LONG: Duration = Duration::from_secs(600);

on_every_ledger! {
    the_next_mail_is_the_one_that_a_worker_would_claim
    suppressed_addresses_are_counted_for_as_long_as_they_are
}

async fn next(ledger: &Ledger) -> Option<NotificationId> {
    let due = LedgerWatch::next_due(&**ledger).await.unwrap();
    due.map(|due| {
        assert!(due.due_for < LONG, "{due:?}");
        due.id
    })
}

async fn the_next_mail_is_the_one_that_a_worker_would_claim(ledger: Ledger) {
    assert_eq!(next(&ledger).await, None);
    // The second waits for the first, which is put off; the third for nobody.
    let rows = [
        notification(1, 1, "a@example.org"),
        notification(2, 1, "a@example.org"),
        notification(3, 2, "b@example.org"),
    ];
    ledger.record(&rows).await.unwrap();
    assert_eq!(next(&ledger).await, Some(rows[0].id));
    let claimed = ledger.claim(1, LONG).await.unwrap();
    assert_eq!(next(&ledger).await, Some(rows[2].id));
    ledger.put_off(&claimed[0].lease, LONG, &Answer::ours("451 later")).await.unwrap();
    assert_eq!(next(&ledger).await, Some(rows[2].id));
    let claimed = ledger.claim(3, LONG).await.unwrap();
    assert_eq!(next(&ledger).await, None, "the last one is being sent");
    ledger.mark_sent(&claimed[0].lease, &Answer::ours("250 ok")).await.unwrap();
    assert_eq!(next(&ledger).await, None);
}

async fn suppressed_addresses_are_counted_for_as_long_as_they_are(ledger: Ledger) {
    let refused = notification(1, 1, "a@example.org");
    for (address, time) in [("a", LONG), ("b", LONG), ("c", Duration::ZERO)] {
        let address = Recipient::new(format!("{address}@example.org"));
        ledger.suppress(&address, time, refused.id).await.unwrap();
    }
    assert_eq!(ledger.count_suppressed().await.unwrap(), 2);
    ledger.lift(&Recipient::new("a@example.org")).await.unwrap();
    assert_eq!(ledger.count_suppressed().await.unwrap(), 1);
}
