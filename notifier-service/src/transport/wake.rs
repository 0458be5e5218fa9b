use tokio::sync::Notify;

/// Tells the delivery workers of this process that something was recorded, so that a mail goes out at
/// once. Only a hint: other processes record too, so the workers also look by themselves.
#[derive(Default)]
pub struct Wake {
    notify: Notify,
}

impl Wake {
    /// Wakes every waiting worker; with none waiting, the next one that would wait does not.
    pub fn wake(&self) {
        self.notify.notify_waiters();
        self.notify.notify_one();
    }

    /// Returns after the next [`wake`](Self::wake). May be cancelled.
    pub async fn woken(&self) {
        self.notify.notified().await;
    }
}
