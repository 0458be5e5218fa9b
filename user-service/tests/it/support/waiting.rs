//! Waiting for conditions, with a deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// Longer than anything here takes on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// What the future gives, which it must do before the deadline.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(SOON, future).await.unwrap_or_else(|_| panic!("not within {SOON:?}: {what}"))
}

/// Waits until the condition holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds().await {
        assert!(Instant::now() < deadline, "not within {SOON:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Asserts that the future does not end by itself: it waits for what the test will do next.
pub(crate) async fn still_waiting<T>(what: &str, future: impl Future<Output = T>) {
    assert!(timeout(Duration::from_millis(150), future).await.is_err(), "{what}");
}
