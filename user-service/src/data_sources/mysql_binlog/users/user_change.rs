//! What is told of a change of a row of `users`.

use std::sync::Arc;

use serde_json::json;
use shared_kernel::{
    BadRowChange, BinlogPlace, ChangeSource, EventId, EventType, RowChange, UserId, event_of_row,
};

use super::super::row_image::Image;
use super::entry::{BadRowFacts, Origin};
use super::user_row::{self, LoggedUser};
use crate::repositories::Content;

type Images<'a> = (Option<Image<'a, { user_row::COUNT }>>, Option<Image<'a, { user_row::COUNT }>>);

/// What is told of the row at that place of the binlog of a database, which is `None` where it cannot be taken apart. It is
/// nothing when nothing is seen to have changed.
pub(super) fn change(
    row: Option<Images<'_>>,
    place: &BinlogPlace<'_>,
    database: &str,
) -> Option<(Content, Origin)> {
    let Some((before, after)) = row else {
        let problem = "a row of the table users is not as it was introduced".to_owned();
        return Some(unreadable(place, None, EventType::Updated.as_str(), problem));
    };
    let (before, after) = (before.map(LoggedUser), after.map(LoggedUser));
    let (change, done) = match (&before, &after) {
        (None, Some(after)) => (RowChange::Inserted { after }, EventType::Registered.as_str()),
        (Some(before), Some(after)) => (RowChange::Updated { before, after }, EventType::Updated.as_str()),
        (Some(before), None) => (RowChange::Deleted { before }, EventType::Deleted.as_str()),
        (None, None) => return None,
    };
    match event_of_row(&change, place, || source(place, database), place.committed_ms) {
        Ok(event) => event.map(|event| (Content::Event(Box::new(event)), Origin::Users)),
        Err(problem) => {
            let user = after.as_ref().or(before.as_ref()).and_then(LoggedUser::user);
            let problem = match problem {
                BadRowChange::Column(column) => format!("a row of the table users cannot be read: {column}"),
                BadRowChange::AnotherUser => "the id of a row of the table users was changed".to_owned(),
            };
            Some(unreadable(place, user, done, problem))
        }
    }
}

fn source(place: &BinlogPlace<'_>, database: &str) -> ChangeSource {
    ChangeSource {
        connector: "inf-user".to_owned(),
        capture: "users-table".to_owned(),
        db: database.to_owned(),
        table: "users".to_owned(),
        ts_ms: place.committed_ms,
        gtid: place.gtid.map(str::to_owned),
        file: Some(place.file.to_owned()),
        pos: Some(place.pos),
    }
}

/// A row that cannot be understood. Of what it holds nothing is kept: it may be personal, and a password's hash is in
/// it.
pub(super) fn unreadable(
    place: &BinlogPlace<'_>,
    user: Option<UserId>,
    event_type: &'static str,
    problem: String,
) -> (Content, Origin) {
    let BinlogPlace { gtid, file, pos, row, committed_ms, .. } = *place;
    let payload = json!({ "gtid": gtid, "file": file, "pos": pos, "row": row, "ts_ms": committed_ms });
    let facts = BadRowFacts {
        id: EventId::of_other_program(place, None, None),
        user,
        event_type,
        committed_ms,
        payload: payload.to_string(),
    };
    (Content::Unreadable(problem), Origin::BadRow(Arc::new(facts)))
}
