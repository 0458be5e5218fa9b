use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Waits until the condition holds.
///
/// # Panics
///
/// When it does not within the limit.
pub async fn eventually<F: Future<Output = bool>>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> F,
) {
    eventually_some(what, limit, || {
        let holds = condition();
        async { holds.await.then_some(()) }
    })
    .await;
}

/// Waits until there is something, and returns it.
///
/// # Panics
///
/// When there is nothing within the limit.
pub async fn eventually_some<T, F: Future<Output = Option<T>>>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
