use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{UserId, UserSnapshot};

/// Identifies one change however it was captured and however often it is delivered; consumers
/// deduplicate by it.
///
/// For what user-service writes it is the id of the outbox row, which `users.lastEventId` repeats. What leaves no
/// row to repeat it, and what another program writes, has an id that everyone who sees the change derives alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

/// Where in a binlog another program's change stands, as Debezium's `source` block tells it
/// (<https://debezium.io/documentation/reference/stable/connectors/mysql.html#mysql-events>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinlogPlace<'a> {
    /// The transaction's GTID, where the server has them.
    pub gtid: Option<&'a str>,
    /// The id of the server that made the change.
    pub server_id: u64,
    /// The binlog file.
    pub file: &'a str,
    /// Where the event begins in that file.
    pub pos: u64,
    /// Which row of its event it is, from 0.
    pub row: u64,
    /// When the transaction was committed first, in milliseconds since the Unix epoch.
    pub committed_ms: i64,
}

impl EventId {
    /// The namespace of our version 5 UUIDs of other programs' changes. Part of every id, so it never changes.
    const OTHER_PROGRAM: Uuid = Uuid::from_u128(0x8b1c_52f4_0d7e_4c39_a6f5_3e90_17d2_b46c);

    /// The id of an account's deletion. It is derived from the row's last change, since whoever reads the deleted row
    /// from the binlog sees no other id. `last` is nil for a row that only other programs have written.
    pub fn of_deletion(user: UserId, last: Self) -> Self {
        Self(Uuid::new_v5(&last.0, format!("deleted {user}").as_bytes()))
    }

    /// The id of a change that another program made, which left `lastEventId` as it was.
    ///
    /// Of a compressed transaction all events have one position, and a GTID is the whole transaction's. So what tells
    /// one change of it from another is what they did: the row as it was and as it is.
    pub fn of_other_program(
        place: &BinlogPlace<'_>,
        before: Option<&UserSnapshot>,
        after: Option<&UserSnapshot>,
    ) -> Self {
        let BinlogPlace { gtid, server_id, file, pos, row, committed_ms } = *place;
        // Another server has the same transaction elsewhere in its files, under the same GTID.
        let transaction = gtid.map_or_else(|| format!("{server_id} {file} {pos}"), str::to_owned);
        let name = serde_json::to_vec(&(transaction, row, committed_ms, before, after))
            .expect("rows have string keys and no failing serializer");
        Self(Uuid::new_v5(&Self::OTHER_PROGRAM, &name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountStatus, Locale};

    const PLACE: BinlogPlace<'_> = BinlogPlace {
        gtid: Some("37af5fcc-e5ca-11f1-8abf-02fc00000001:24"),
        server_id: 2,
        file: "binlog.000002",
        pos: 10_960,
        row: 0,
        committed_ms: 1_795_279_599_045,
    };

    fn named(full_name: &str) -> UserSnapshot {
        UserSnapshot {
            id: UserId(Uuid::from_u128(7)),
            username: "ada".into(),
            email: "ada@example.org".into(),
            pending_email: None,
            full_name: Some(full_name.into()),
            status: AccountStatus::Confirmed,
            locale: Locale::En,
        }
    }

    #[test]
    fn the_ids_are_those_of_every_release() {
        let (user, last) = (UserId(Uuid::from_u128(7)), EventId(Uuid::from_u128(9)));
        let told = [
            EventId::of_deletion(user, last),
            EventId::of_other_program(&PLACE, Some(&named("Ada")), Some(&named("Ada King"))),
        ];
        let expected = ["a6845189-4bac-51b3-88e0-66bb0f0eea95", "63f859af-52c6-547e-8be4-7fe43b42cb41"];
        assert_eq!(told.map(|id| id.0.to_string()), expected);
    }

    #[test]
    fn a_deletion_has_an_id_of_its_own_also_where_no_change_of_ours_went_before() {
        let id =
            |user, last| EventId::of_deletion(UserId(Uuid::from_u128(user)), EventId(Uuid::from_u128(last)));
        assert_ne!(id(1, 0), id(2, 0));
        assert_ne!(id(1, 3), id(1, 4));
        assert_eq!(id(1, 3), id(1, 3));
    }

    #[test]
    fn changes_at_one_place_are_told_apart_by_what_they_did() {
        let id = |place: &BinlogPlace<'_>, before, after| {
            EventId::of_other_program(place, Some(&named(before)), Some(&named(after)))
        };
        assert_ne!(id(&PLACE, "One", "Two"), id(&PLACE, "Two", "Three"));
        // A repeat after a failover is at another position of another server.
        let elsewhere = BinlogPlace { file: "binlog.000007", pos: 4, server_id: 3, ..PLACE };
        assert_eq!(id(&PLACE, "One", "Two"), id(&elsewhere, "One", "Two"));
        let (here, there) = (BinlogPlace { gtid: None, ..PLACE }, BinlogPlace { gtid: None, ..elsewhere });
        assert_ne!(id(&here, "One", "Two"), id(&there, "One", "Two"));
    }
}
