//! The requests of an outbox alone, as a Debezium connector leaves them to the relay.

use std::sync::Arc;
use std::time::Duration;

use shared_kernel::{EventType, Op, UserEvent};
use user_service::data_sources::RequestsOnlyChangeFeed;
use user_service::repositories::{ChangeFeed, Content};

use crate::support::databases::{Capture, TestDatabase};
use crate::support::on_each_engine;
use crate::support::outbox::{append, events, positions};
use crate::support::people::updates_of;
use crate::support::waiting::soon;

const NEVER: Duration = Duration::from_secs(600);

mod on {
    super::on_each_engine! {
        [sqlite: Sqlite, mariadb: MariaDb, mysql: MySql]
        [requests_come_in_order_and_all_else_is_dropped, what_cannot_be_read_is_not_dropped]
    }
}

/// What asks for a mail about the account of that event.
fn request(of: &UserEvent) -> UserEvent {
    let mut request = updates_of(1, 1).remove(0);
    request.metadata.event_type = EventType::PasswordResetRequested;
    request.metadata.subject = of.metadata.subject;
    request.change.op = None;
    request.change.before = None;
    request.change.changed.clear();
    request.change.after = of.change.after.clone();
    request
}

fn requests_of(database: &Arc<TestDatabase>) -> RequestsOnlyChangeFeed {
    RequestsOnlyChangeFeed::new(database.feed(database.handle(), Capture::Polled, Duration::from_millis(10)))
}

async fn requests_come_in_order_and_all_else_is_dropped(database: Arc<TestDatabase>) {
    let changes = updates_of(1, 30);
    assert!(changes.iter().all(|change| matches!(change.change.op, Some(Op::Update))));
    let requests = [request(&changes[0]), request(&changes[9]), request(&changes[29])];
    append(&database.users(), &changes[..10]).await;
    append(&database.users(), &requests[..2]).await;
    append(&database.users(), &changes[10..]).await;
    let feed = requests_of(&database);
    // However few are read at once.
    let mut came = soon("the first", feed.next(3, NEVER)).await.unwrap();
    while came.len() < 2 {
        came.extend(soon("the second", feed.next(3, NEVER)).await.unwrap());
    }
    assert_eq!(events(&came), requests[..2]);
    assert!(feed.next(3, Duration::ZERO).await.unwrap().is_empty());
    assert_eq!(database.count("outbox").await, 2, "what is in hand, and nothing else");

    feed.acknowledge(&positions(&came[..1])).await.unwrap();
    feed.rewind();
    assert_eq!(events(&feed.next(3, NEVER).await.unwrap()), requests[1..2]);
    feed.acknowledge(&positions(&came)).await.unwrap();
    append(&database.users(), &requests[2..]).await;
    assert_eq!(events(&soon("the third", feed.next(3, NEVER)).await.unwrap()), requests[2..]);
}

async fn what_cannot_be_read_is_not_dropped(database: Arc<TestDatabase>) {
    append(&database.users(), &updates_of(1, 2)).await;
    database.execute("UPDATE outbox SET payload = 'no json' WHERE seq = 1").await;
    let feed = requests_of(&database);
    let came = soon("it", feed.next(10, NEVER)).await.unwrap();
    assert!(matches!(came[0].content, Content::Unreadable(_)) && came.len() == 1, "{came:?}");
    feed.bury(came[0].position, "no json").await.unwrap();
    assert!(feed.next(10, Duration::ZERO).await.unwrap().is_empty());
    assert_eq!((database.count("outbox").await, database.count("deadOutbox").await), (0, 1));
}
