use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

type Undo = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// What is to be removed when a benchmark has ended, however it ended.
#[derive(Clone, Default)]
pub(crate) struct Cleanup(Arc<Mutex<Vec<Undo>>>);

impl Cleanup {
    /// Remembers how something is removed. What is made last is removed first.
    pub(crate) fn add<F>(&self, undo: impl FnOnce() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(|| Box::pin(undo())));
    }

    /// Removes all of it.
    pub(crate) async fn run(self) {
        loop {
            let undo = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(undo) = undo else { return };
            // In a task: what cannot be removed says so by a panic, and does not keep the rest.
            let _told = tokio::spawn(undo()).await;
        }
    }
}
