//! What a change of a row of `users` means, whoever captured it: our relay from the binlog, or Debezium.

use chrono::{DateTime, Datelike as _, Utc};

use crate::{
    BinlogPlace, ChangeSource, EventId, EventMetadata, EventType, Op, UserChange, UserEvent, UserField,
    UserSnapshot,
};

/// One image of a row of `users`, as whoever captures it sees it. Nothing is read of it that an event does not need.
pub trait UserRow {
    /// Why a column cannot be read.
    type Error;

    /// The columns that may leave the database.
    ///
    /// # Errors
    ///
    /// When one is missing or does not hold what it must.
    fn snapshot(&self) -> Result<UserSnapshot, Self::Error>;

    /// The id of user-service's last change, if it has ever made one.
    ///
    /// # Errors
    ///
    /// When the column is not visible, without which a change of user-service's could not be told from another
    /// program's, or when it does not hold an id.
    fn last_event_id(&self) -> Result<Option<EventId>, Self::Error>;

    /// When user-service last changed the row, by its own clock; `None` where that cannot be read.
    fn last_updated(&self) -> Option<DateTime<Utc>>;

    /// The column `version`.
    ///
    /// # Errors
    ///
    /// When it is missing or is no number.
    fn version(&self) -> Result<i64, Self::Error>;

    /// The column `securityVersion`.
    ///
    /// # Errors
    ///
    /// When it is missing or is no number.
    fn security_version(&self) -> Result<i64, Self::Error>;

    /// Whether both images show the column of that name and differ in it.
    fn differs_in(&self, before: &Self, column: &str) -> bool;
}

/// What was done to a row.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are the row's images")]
pub enum RowChange<'a, R> {
    /// It is new.
    Inserted { after: &'a R },
    /// It was written over.
    Updated { before: &'a R, after: &'a R },
    /// It is gone.
    Deleted { before: &'a R },
}

/// Why a change of a row is no event. The same change never will be.
#[derive(Debug, PartialEq, Eq)]
pub enum BadRowChange<E> {
    /// A column cannot be read.
    Column(E),
    /// The id of the row changed.
    AnotherUser,
}

impl<E> From<E> for BadRowChange<E> {
    fn from(error: E) -> Self {
        Self::Column(error)
    }
}

/// The event of a change of a row that stands at that place in the binlog. `source` says of an event how it was
/// captured, `taken_up_ms` when (milliseconds since the Unix epoch).
///
/// A new `lastEventId` is left by user-service, with each of its changes, and is the event's id. Any other program leaves
/// it as it was; then the id is derived from the place and the row, and the version is the row's, which that program may
/// have left as it was too. `None` for an update by another program in which no column is seen to change: a password
/// hashed anew at a login is one.
///
/// # Errors
///
/// [`BadRowChange`].
pub fn event_of_row<R: UserRow>(
    change: &RowChange<'_, R>,
    place: &BinlogPlace<'_>,
    source: impl FnOnce() -> ChangeSource,
    taken_up_ms: i64,
) -> Result<Option<UserEvent>, BadRowChange<R::Error>> {
    match *change {
        RowChange::Inserted { after } => written(None, after, place, source, taken_up_ms),
        RowChange::Updated { before, after } => written(Some(before), after, place, source, taken_up_ms),
        RowChange::Deleted { before } => Ok(Some(deleted(before, place, source, taken_up_ms)?)),
    }
}

fn written<R: UserRow>(
    before: Option<&R>,
    after: &R,
    place: &BinlogPlace<'_>,
    source: impl FnOnce() -> ChangeSource,
    taken_up_ms: i64,
) -> Result<Option<UserEvent>, BadRowChange<R::Error>> {
    let id_before = before.map(R::last_event_id).transpose()?.flatten();
    let own_id = after.last_event_id()?.filter(|id| Some(*id) != id_before);
    let changed = before.map_or_else(Vec::new, |before| differences(before, after));
    let is_same_user = !before.is_some_and(|before| after.differs_in(before, "id"));
    if before.is_some() && own_id.is_none() && changed.is_empty() && is_same_user {
        return Ok(None);
    }
    let (old, new) = (before.map(R::snapshot).transpose()?, after.snapshot()?);
    if old.as_ref().is_some_and(|old| old.id != new.id) {
        return Err(BadRowChange::AnotherUser);
    }
    // The lifetime of a link is counted from the change, by the clock of whoever made it.
    let (id, time) = match own_id {
        Some(id) => (id, after.last_updated().filter(can_be_told).unwrap_or_else(|| committed_at(place))),
        None => (EventId::of_other_program(place, old.as_ref(), Some(&new)), committed_at(place)),
    };
    let (event_type, op) =
        if old.is_none() { (EventType::Registered, Op::Create) } else { (EventType::Updated, Op::Update) };
    Ok(Some(UserEvent {
        metadata: EventMetadata { id, event_type, time, subject: new.id, traceparent: None },
        change: UserChange {
            op: Some(op),
            before: old,
            after: Some(new),
            changed,
            version: after.version()?,
            security_version: after.security_version()?,
            source: source(),
            ts_ms: taken_up_ms,
        },
    }))
}

fn deleted<R: UserRow>(
    before: &R,
    place: &BinlogPlace<'_>,
    source: impl FnOnce() -> ChangeSource,
    taken_up_ms: i64,
) -> Result<UserEvent, R::Error> {
    let user = before.snapshot()?;
    let last = before.last_event_id()?.unwrap_or_default();
    Ok(UserEvent {
        metadata: EventMetadata {
            id: EventId::of_deletion(user.id, last),
            event_type: EventType::Deleted,
            time: committed_at(place),
            subject: user.id,
            traceparent: None,
        },
        change: UserChange {
            op: Some(Op::Delete),
            before: Some(user),
            after: None,
            changed: Vec::new(),
            version: before.version()?.saturating_add(1),
            security_version: before.security_version()?,
            source: source(),
            ts_ms: taken_up_ms,
        },
    })
}

fn differences<R: UserRow>(before: &R, after: &R) -> Vec<UserField> {
    let differs = |field: &UserField| {
        let column = match field {
            // Its value never shows, nor does it matter: the same password can be hashed anew.
            UserField::Password => "passwordChangedAt",
            field => field.as_str(),
        };
        after.differs_in(before, column)
    };
    UserField::KNOWN.into_iter().filter(differs).collect()
}

fn committed_at(place: &BinlogPlace<'_>) -> DateTime<Utc> {
    let time = DateTime::from_timestamp_millis(place.committed_ms).filter(can_be_told);
    time.unwrap_or(DateTime::UNIX_EPOCH)
}

/// RFC 3339 has years of four digits.
fn can_be_told(time: &DateTime<Utc>) -> bool {
    (0..=9999).contains(&time.year())
}
