//! Writing to the outbox and reading from it.

use std::sync::Arc;
use std::time::Duration;

use shared_kernel::UserEvent;
use tokio::time::Instant;
use user_service::repositories::{CapturedChange, ChangeFeed, Content, UserRepository};

use super::waiting::SOON;

/// Commits these in one transaction.
pub(crate) async fn append(users: &Arc<dyn UserRepository>, events: &[UserEvent]) {
    let mut transaction = users.begin().await.unwrap();
    for event in events {
        transaction.append(event).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

/// All that is not acknowledged, from the first on, which must be so many.
pub(crate) async fn all(feed: &Arc<dyn ChangeFeed>, count: usize) -> Vec<CapturedChange> {
    let deadline = Instant::now() + SOON;
    loop {
        feed.rewind();
        let changes = feed.next(1000, Duration::from_millis(100)).await.unwrap();
        if changes.len() >= count || Instant::now() > deadline {
            assert_eq!(changes.len(), count);
            return changes;
        }
    }
}

pub(crate) fn events(changes: &[CapturedChange]) -> Vec<UserEvent> {
    changes
        .iter()
        .map(|change| match &change.content {
            Content::Event(event) => (**event).clone(),
            other => panic!("{other:?}"),
        })
        .collect()
}

pub(crate) fn positions(changes: &[CapturedChange]) -> Vec<i64> {
    changes.iter().map(|change| change.position).collect()
}
