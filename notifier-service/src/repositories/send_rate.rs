use std::time::Duration;

/// Bounds how many mails are sent in a time.
pub trait SendRate: Send + Sync {
    /// Takes the right to send one mail now.
    ///
    /// # Errors
    ///
    /// How long to wait before asking again; nothing was taken then.
    fn take(&self) -> Result<(), Duration>;
}
