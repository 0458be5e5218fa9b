use async_trait::async_trait;

use super::PublishFailure;

/// Finds out whether a broker can be had, while there is nothing to publish.
#[async_trait]
pub trait BrokerProbe: Send + Sync {
    /// Asks for the topic. Takes some seconds at most.
    ///
    /// # Errors
    ///
    /// [`PublishFailure`], when the broker does not answer, lets nobody in, or has no such topic.
    async fn reach(&self) -> Result<(), PublishFailure>;
}
