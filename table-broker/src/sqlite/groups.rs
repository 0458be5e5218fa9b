//! Consumer groups: members, the leases by which they hold partitions, and committed offsets.
//!
//! A lease has no expiry of its own: it lives as long as its member, whose row each heartbeat renews. A member that
//! has expired keeps its leases until another one, in its own heartbeat, removes it. Each change of holder raises the
//! lease's epoch.

use std::time::Duration;

use sqlx::{Row, SqliteConnection};

use super::log::{record, topic};
use super::{SqliteStore, as_ms, as_stored, now_ms};
use crate::error::{BrokerError, During};
use crate::records::Record;
use crate::shares::fair_share;

const NEW_MEMBER_ID: &str = "SELECT lower(hex(randomblob(16)))";

const FIND_GROUP: &str = "SELECT id FROM broker_groups WHERE topic_id = ?1 AND name = ?2";

const INSERT_GROUP: &str = "INSERT INTO broker_groups (topic_id, name) VALUES (?1, ?2)";

const INSERT_LEASES: &str = "
    INSERT INTO broker_leases (group_id, partition, committed_offset)
    SELECT ?1, partition, CASE WHEN ?3 THEN next_offset ELSE first_offset END
    FROM broker_partitions WHERE topic_id = ?2";

const RENEW_MEMBER: &str = concat!(
    "UPDATE broker_members SET expires_at_ms = ",
    now_ms!(),
    " + ?3 WHERE group_id = ?1 AND member_id = ?2"
);

const INSERT_MEMBER: &str = concat!(
    "INSERT INTO broker_members (group_id, member_id, expires_at_ms) VALUES (?1, ?2, ",
    now_ms!(),
    " + ?3)"
);

const DELETE_OTHERS_THAT_EXPIRED: &str = concat!(
    "DELETE FROM broker_members WHERE group_id = ?1 AND member_id <> ?2 AND expires_at_ms <= ",
    now_ms!()
);

const DELETE_MEMBER: &str = "DELETE FROM broker_members WHERE group_id = ?1 AND member_id = ?2";

const FREE_LEASES_WITHOUT_MEMBER: &str = "
    UPDATE broker_leases SET member_id = NULL, epoch = epoch + 1
    WHERE group_id = ?1 AND member_id IS NOT NULL
      AND member_id NOT IN (SELECT member_id FROM broker_members WHERE group_id = ?1)";

const COUNT_LEASES: &str = "
    SELECT m.member_id, COUNT(l.partition)
    FROM broker_members m LEFT JOIN broker_leases l ON l.group_id = m.group_id AND l.member_id = m.member_id
    WHERE m.group_id = ?1 GROUP BY m.member_id";

const GIVE_UP_LEASES: &str = "
    UPDATE broker_leases SET member_id = NULL, epoch = epoch + 1
    WHERE group_id = ?1 AND partition IN (
        SELECT partition FROM broker_leases WHERE group_id = ?1 AND member_id = ?2
        ORDER BY partition DESC LIMIT ?3)";

const TAKE_LEASES: &str = "
    UPDATE broker_leases SET member_id = ?2, epoch = epoch + 1
    WHERE group_id = ?1 AND partition IN (
        SELECT partition FROM broker_leases WHERE group_id = ?1 AND member_id IS NULL
        ORDER BY partition LIMIT ?3)";

const RAISE_GENERATION: &str = "
    UPDATE broker_groups SET generation = generation + ?2 WHERE id = ?1 RETURNING generation";

const LEASES_OF_MEMBER: &str = "
    SELECT partition, epoch, committed_offset FROM broker_leases WHERE group_id = ?1 AND member_id = ?2";

const GROUP_STATE: &str = concat!(
    "
    SELECT g.generation, l.partition, l.epoch, l.committed_offset, p.first_offset, p.next_offset,
        EXISTS (SELECT 1 FROM broker_members m
                WHERE m.group_id = g.id AND m.member_id <> ?2 AND m.expires_at_ms <= ",
    now_ms!(),
    ") AS has_expired
    FROM broker_groups g
    LEFT JOIN broker_leases l ON l.group_id = g.id AND l.member_id = ?2
    LEFT JOIN broker_partitions p ON p.topic_id = g.topic_id AND p.partition = l.partition
    WHERE g.id = ?1
    ORDER BY l.partition"
);

// CROSS JOIN keeps SQLite's planner to this order: the lease, then its records by their index.
const READ_HELD_RECORDS: &str = "
    SELECT r.record_offset, r.record_key, r.value, r.headers, r.appended_at_ms
    FROM broker_leases l
    CROSS JOIN broker_groups g ON g.id = l.group_id
    CROSS JOIN broker_records r ON r.topic_id = g.topic_id AND r.partition = l.partition
    WHERE l.group_id = ?1 AND l.partition = ?2 AND l.member_id = ?3 AND l.epoch = ?4 AND r.record_offset >= ?5
    ORDER BY r.record_offset LIMIT ?6";

const COMMIT_OFFSET: &str = "
    UPDATE broker_leases SET committed_offset = MAX(committed_offset, ?5)
    WHERE group_id = ?1 AND partition = ?2 AND member_id = ?3 AND epoch = ?4";

const LAG: &str = "
    SELECT p.partition, p.next_offset - MAX(p.first_offset, COALESCE(l.committed_offset, 0))
    FROM broker_partitions p
    LEFT JOIN broker_groups g ON g.topic_id = p.topic_id AND g.name = ?2
    LEFT JOIN broker_leases l ON l.group_id = g.id AND l.partition = p.partition
    WHERE p.topic_id = ?1
    ORDER BY p.partition";

/// What a heartbeat has found or made.
#[derive(Debug)]
pub(crate) struct Membership {
    pub(crate) group_id: i64,
    pub(crate) generation: i64,
    pub(crate) leases: Vec<Lease>,
    /// Whether other members have a reason to divide the partitions anew.
    pub(crate) disturbed: bool,
}

/// A partition held, and how far the group had come when the lease was read.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) partition: u32,
    pub(crate) epoch: i64,
    pub(crate) committed: u64,
}

/// A group as one member sees it, at one moment.
#[derive(Debug)]
pub(crate) struct GroupState {
    pub(crate) generation: i64,
    /// Whether another member has expired and not been removed yet.
    pub(crate) has_expired: bool,
    /// By partition, rising.
    pub(crate) held: Vec<HeldPartition>,
}

/// A partition that the member holds.
#[derive(Debug)]
pub(crate) struct HeldPartition {
    pub(crate) lease: Lease,
    pub(crate) first_offset: u64,
    pub(crate) next_offset: u64,
}

impl SqliteStore {
    pub(crate) async fn new_member_id(&self) -> Result<String, BrokerError> {
        sqlx::query_scalar(NEW_MEMBER_ID).fetch_one(&self.reader).await.during("make a member id")
    }

    /// Renews the member (joining the group if it isn't in it, and creating the group if it is the first), removes
    /// others that have expired, and takes or gives up partitions to hold a fair share.
    pub(crate) async fn heartbeat(
        &self,
        group: &str,
        topic_name: &str,
        member: &str,
        lease: Duration,
        start_at_end: bool,
    ) -> Result<Membership, BrokerError> {
        const ACTION: &str = "renew the consumer's leases";
        let mut tx = self.begin().await.during(ACTION)?;
        let topic = topic(&mut *tx, topic_name).await?;
        let group_id = ensure_group(&mut tx, group, topic.id, start_at_end).await.during(ACTION)?;
        let joined = renew_or_join(&mut tx, group_id, member, lease).await.during(ACTION)?;
        let removed = remove_expired(&mut tx, group_id, member).await.during(ACTION)?;
        let given_up = rebalance(&mut tx, group_id, member, topic.partitions).await.during(ACTION)?;
        let disturbed = joined || removed || given_up;
        let generation = raise_generation(&mut tx, group_id, disturbed).await.during(ACTION)?;
        let leases = leases(&mut tx, group_id, member).await.during(ACTION)?;
        tx.commit().await.during(ACTION)?;
        Ok(Membership { group_id, generation, leases, disturbed })
    }

    pub(crate) async fn group_state(&self, group_id: i64, member: &str) -> Result<GroupState, BrokerError> {
        let read = async {
            let rows = sqlx::query(GROUP_STATE).bind(group_id).bind(member).fetch_all(&self.reader).await?;
            let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
            let mut state = GroupState {
                generation: first.try_get("generation")?,
                has_expired: first.try_get("has_expired")?,
                held: Vec::with_capacity(rows.len()),
            };
            for row in &rows {
                // One row without a partition stands for a member that holds none.
                let Some(partition) = row.try_get("partition")? else { continue };
                state.held.push(HeldPartition {
                    lease: Lease {
                        partition,
                        epoch: row.try_get("epoch")?,
                        committed: row.try_get("committed_offset")?,
                    },
                    first_offset: row.try_get("first_offset")?,
                    next_offset: row.try_get("next_offset")?,
                });
            }
            Ok(state)
        };
        read.await.during("read the consumer group's state")
    }

    /// Records of a partition, none unless the member holds it under that epoch.
    pub(crate) async fn held_records(
        &self,
        group_id: i64,
        member: &str,
        lease: &Lease,
        from: u64,
        max: usize,
    ) -> Result<Vec<Record>, BrokerError> {
        let rows = sqlx::query(READ_HELD_RECORDS)
            .bind(group_id)
            .bind(lease.partition)
            .bind(member)
            .bind(lease.epoch)
            .bind(as_stored(from))
            .bind(as_stored(max as u64))
            .fetch_all(&self.reader)
            .await
            .during("read records")?;
        rows.iter().map(|row| record(row, lease.partition)).collect()
    }

    /// Commits partitions' offsets, each only under its epoch, and renews the member. Returns the partitions whose
    /// lease is lost.
    pub(crate) async fn commit_offsets(
        &self,
        group_id: i64,
        member: &str,
        lease: Duration,
        offsets: &[Lease],
    ) -> Result<Vec<u32>, BrokerError> {
        const ACTION: &str = "commit offsets";
        let mut tx = self.begin().await.during(ACTION)?;
        let mut fenced = vec![];
        for offset in offsets {
            let result = sqlx::query(COMMIT_OFFSET)
                .bind(group_id)
                .bind(offset.partition)
                .bind(member)
                .bind(offset.epoch)
                .bind(as_stored(offset.committed))
                .execute(&mut *tx)
                .await
                .during(ACTION)?;
            if result.rows_affected() == 0 {
                fenced.push(offset.partition);
            }
        }
        renew(&mut tx, group_id, member, lease).await.during(ACTION)?;
        tx.commit().await.during(ACTION)?;
        Ok(fenced)
    }

    /// Removes the member and frees its leases.
    pub(crate) async fn leave(&self, group_id: i64, member: &str) -> Result<(), BrokerError> {
        const ACTION: &str = "leave the consumer group";
        let mut tx = self.begin().await.during(ACTION)?;
        sqlx::query(DELETE_MEMBER).bind(group_id).bind(member).execute(&mut *tx).await.during(ACTION)?;
        sqlx::query(FREE_LEASES_WITHOUT_MEMBER).bind(group_id).execute(&mut *tx).await.during(ACTION)?;
        raise_generation(&mut tx, group_id, true).await.during(ACTION)?;
        tx.commit().await.during(ACTION)
    }

    pub(crate) async fn lag_by_partition(
        &self,
        group: &str,
        topic_name: &str,
    ) -> Result<Vec<(u32, u64)>, BrokerError> {
        let topic = topic(&self.reader, topic_name).await?;
        sqlx::query_as(LAG)
            .bind(topic.id)
            .bind(group)
            .fetch_all(&self.reader)
            .await
            .during("read the consumer group's lag")
    }
}

/// The group's id. A new group starts where `start_at_end` says, and from then on has a committed offset in every
/// partition: a member that dies before its first commit doesn't move the start.
async fn ensure_group(
    conn: &mut SqliteConnection,
    group: &str,
    topic_id: i64,
    start_at_end: bool,
) -> Result<i64, sqlx::Error> {
    let found = sqlx::query_scalar(FIND_GROUP).bind(topic_id).bind(group).fetch_optional(&mut *conn).await?;
    if let Some(id) = found {
        return Ok(id);
    }
    let id =
        sqlx::query(INSERT_GROUP).bind(topic_id).bind(group).execute(&mut *conn).await?.last_insert_rowid();
    sqlx::query(INSERT_LEASES).bind(id).bind(topic_id).bind(start_at_end).execute(conn).await?;
    Ok(id)
}

/// Renews the member; `false` if it isn't in the group (any more).
async fn renew(
    conn: &mut SqliteConnection,
    group_id: i64,
    member: &str,
    lease: Duration,
) -> Result<bool, sqlx::Error> {
    let renewed =
        sqlx::query(RENEW_MEMBER).bind(group_id).bind(member).bind(as_ms(lease)).execute(conn).await?;
    Ok(renewed.rows_affected() > 0)
}

/// Renews the member or adds it; `true` if it was added.
async fn renew_or_join(
    conn: &mut SqliteConnection,
    group_id: i64,
    member: &str,
    lease: Duration,
) -> Result<bool, sqlx::Error> {
    if renew(conn, group_id, member, lease).await? {
        return Ok(false);
    }
    sqlx::query(INSERT_MEMBER).bind(group_id).bind(member).bind(as_ms(lease)).execute(conn).await?;
    Ok(true)
}

/// Removes other members that have expired and frees their leases; `true` if there were any.
async fn remove_expired(
    conn: &mut SqliteConnection,
    group_id: i64,
    member: &str,
) -> Result<bool, sqlx::Error> {
    let removed =
        sqlx::query(DELETE_OTHERS_THAT_EXPIRED).bind(group_id).bind(member).execute(&mut *conn).await?;
    if removed.rows_affected() == 0 {
        return Ok(false);
    }
    tracing::info!(group_id, members = removed.rows_affected(), "removed expired members of a group");
    sqlx::query(FREE_LEASES_WITHOUT_MEMBER).bind(group_id).execute(conn).await?;
    Ok(true)
}

/// Takes free partitions, or gives partitions up, until the member holds its fair share; `true` if it gave any up.
async fn rebalance(
    conn: &mut SqliteConnection,
    group_id: i64,
    member: &str,
    partitions: u32,
) -> Result<bool, sqlx::Error> {
    let members: Vec<(String, u32)> =
        sqlx::query_as(COUNT_LEASES).bind(group_id).fetch_all(&mut *conn).await?;
    let held = members.iter().find(|(id, _)| id == member).map_or(0, |(_, held)| *held);
    let share = fair_share(member, &members, partitions);
    let statement = match held.cmp(&share) {
        std::cmp::Ordering::Equal => return Ok(false),
        std::cmp::Ordering::Greater => GIVE_UP_LEASES,
        std::cmp::Ordering::Less => TAKE_LEASES,
    };
    sqlx::query(statement).bind(group_id).bind(member).bind(held.abs_diff(share)).execute(conn).await?;
    Ok(held > share)
}

/// The group's generation, raised first if something has changed.
async fn raise_generation(
    conn: &mut SqliteConnection,
    group_id: i64,
    changed: bool,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(RAISE_GENERATION).bind(group_id).bind(i64::from(changed)).fetch_one(conn).await
}

/// The member's leases.
async fn leases(conn: &mut SqliteConnection, group_id: i64, member: &str) -> Result<Vec<Lease>, sqlx::Error> {
    let rows = sqlx::query_as(LEASES_OF_MEMBER).bind(group_id).bind(member).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(partition, epoch, committed)| Lease { partition, epoch, committed }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NewRecord;

    #[tokio::test]
    async fn records_are_read_only_by_the_holder_under_its_epoch() {
        const LEASE: Duration = Duration::from_secs(60);
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&directory.path().join("broker.db")).await.unwrap();
        store.create_topic("t", 1).await.unwrap();
        store.append("t", &[NewRecord::default()]).await.unwrap();
        let membership = store.heartbeat("g", "t", "holder", LEASE, false).await.unwrap();
        let group_id = membership.group_id;
        let lease = &membership.leases[0];
        let read = async |member: &str, lease: &Lease| {
            store.held_records(group_id, member, lease, 0, 10).await.unwrap().len()
        };
        assert_eq!(read("holder", lease).await, 1);
        assert_eq!(read("other", lease).await, 0);

        store.leave(group_id, "holder").await.unwrap();
        assert_eq!(read("holder", lease).await, 0);
        let again = store.heartbeat("g", "t", "holder", LEASE, false).await.unwrap();
        assert!(again.leases[0].epoch > lease.epoch);
        assert_eq!(read("holder", lease).await, 0, "the epoch is an earlier one");
        assert_eq!(read("holder", &again.leases[0]).await, 1);
    }

    #[tokio::test]
    async fn the_records_of_a_partition_are_found_by_index() {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&directory.path().join("broker.db")).await.unwrap();
        for statement in [READ_HELD_RECORDS, GROUP_STATE, LAG] {
            let plan: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
                    .fetch_all(&store.reader)
                    .await
                    .unwrap();
            let scans: Vec<_> = plan.iter().filter(|step| step.3.starts_with("SCAN")).collect();
            let sorts = plan.iter().any(|step| step.3.contains("TEMP B-TREE"));
            assert!(scans.is_empty() && !sorts, "{plan:#?}");
        }
    }
}
