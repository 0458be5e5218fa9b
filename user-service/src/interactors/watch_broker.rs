use std::sync::Arc;

use crate::repositories::{BrokerProbe, PublishFailure};

/// Sees whether the broker can be had, also while there is nothing to publish.
pub struct WatchBroker {
    broker: Arc<dyn BrokerProbe>,
}

impl WatchBroker {
    /// Watches that broker.
    pub fn new(broker: Arc<dyn BrokerProbe>) -> Self {
        Self { broker }
    }

    /// Looks now. Takes some seconds at most.
    ///
    /// # Errors
    ///
    /// [`PublishFailure`], when it cannot be had.
    pub async fn execute(&self) -> Result<(), PublishFailure> {
        self.broker.reach().await
    }
}
