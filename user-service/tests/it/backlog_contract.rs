//! What `OutboxBacklog` promises, on each database.

use std::sync::Arc;
use std::time::Duration;

use user_service::repositories::WaitingChanges;

use crate::support::databases::{Capture, TestDatabase};
use crate::support::on_each_engine;
use crate::support::outbox::{all, append, events, positions};
use crate::support::people::updates_of;

mod on {
    super::on_each_engine! {
        [sqlite: Sqlite, mariadb: MariaDb, mysql: MySql]
        [what_waits_is_counted_until_it_is_published_or_set_aside]
    }
}

async fn what_waits_is_counted_until_it_is_published_or_set_aside(database: Arc<TestDatabase>) {
    let backlog = database.backlog();
    let nothing = WaitingChanges { count: 0, since: None };
    assert_eq!(backlog.waiting().await.unwrap(), nothing);
    assert_eq!((backlog.oldest().await.unwrap(), backlog.count_dead().await.unwrap()), (None, 0));

    append(&database.users(), &updates_of(1, 3)).await;
    let feed = database.feed(database.handle(), Capture::Polled, Duration::ZERO);
    let changes = all(&feed, 3).await;
    let (positions, times) =
        (positions(&changes), events(&changes).into_iter().map(|event| event.metadata.time));
    let times: Vec<_> = times.collect();
    let waiting = WaitingChanges { count: 3, since: Some(times[0]) };
    assert_eq!(backlog.waiting().await.unwrap(), waiting);
    assert_eq!(backlog.oldest().await.unwrap(), Some(positions[0]));

    feed.acknowledge(&positions[..1]).await.unwrap();
    assert_eq!(backlog.waiting().await.unwrap(), WaitingChanges { count: 2, since: Some(times[1]) });
    assert_eq!(backlog.oldest().await.unwrap(), Some(positions[1]));
    feed.bury(positions[1], "for the test").await.unwrap();
    feed.acknowledge(&positions[2..]).await.unwrap();
    assert_eq!(backlog.waiting().await.unwrap(), nothing);
    assert_eq!(backlog.count_dead().await.unwrap(), 1);
}
