//! Topics and their records.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::sqlite::SqliteRow;
use sqlx::{Executor, Row, Sqlite};

use super::{SqliteStore, as_ms, as_stored, now_ms};
use crate::error::{BrokerError, During};
use crate::partitioner::partition_for;
use crate::records::{NewRecord, Place, Record, decode_headers, encode_headers};

const FIND_TOPIC: &str =
    concat!("SELECT id, partitions, ", now_ms!(), " AS now_ms FROM broker_topics WHERE name = ?1");

const INSERT_TOPIC: &str = "INSERT INTO broker_topics (name, partitions) VALUES (?1, ?2)";

const INSERT_PARTITION: &str = "INSERT INTO broker_partitions (topic_id, partition) VALUES (?1, ?2)";

const ALLOCATE_OFFSETS: &str = "
    UPDATE broker_partitions SET next_offset = next_offset + ?3 WHERE topic_id = ?1 AND partition = ?2
    RETURNING next_offset - ?3";

const INSERT_RECORD: &str = "
    INSERT INTO broker_records (topic_id, partition, record_offset, record_key, value, headers, appended_at_ms)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

const READ_RECORDS: &str = "
    SELECT record_offset, record_key, value, headers, appended_at_ms FROM broker_records
    WHERE topic_id = ?1 AND partition = ?2 AND record_offset >= ?3
    ORDER BY record_offset LIMIT ?4";

const OLDEST_RECORDS: &str = "
    SELECT record_offset, appended_at_ms FROM broker_records
    WHERE topic_id = ?1 AND partition = ?2
    ORDER BY record_offset LIMIT ?3";

const DELETE_RECORDS: &str =
    "DELETE FROM broker_records WHERE topic_id = ?1 AND partition = ?2 AND record_offset < ?3";

const RAISE_FIRST_OFFSET: &str =
    "UPDATE broker_partitions SET first_offset = ?3 WHERE topic_id = ?1 AND partition = ?2";

const GROUPS_BEHIND: &str = "
    SELECT g.name, l.committed_offset FROM broker_groups g JOIN broker_leases l ON l.group_id = g.id
    WHERE g.topic_id = ?1 AND l.partition = ?2 AND l.committed_offset < ?3";

/// A topic's row, and the database's time when it was read.
pub(super) struct Topic {
    pub(super) id: i64,
    pub(super) partitions: u32,
    now_ms: i64,
}

/// Reads a topic's row, if there is one.
async fn find_topic<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    name: &str,
) -> Result<Option<Topic>, sqlx::Error> {
    let Some(row) = sqlx::query(FIND_TOPIC).bind(name).fetch_optional(executor).await? else {
        return Ok(None);
    };
    Ok(Some(Topic {
        id: row.try_get("id")?,
        partitions: row.try_get("partitions")?,
        now_ms: row.try_get("now_ms")?,
    }))
}

/// Reads the row of a topic that must exist.
pub(super) async fn topic<'c>(
    executor: impl Executor<'c, Database = Sqlite>,
    name: &str,
) -> Result<Topic, BrokerError> {
    find_topic(executor, name)
        .await
        .during("look up the topic")?
        .ok_or_else(|| BrokerError::TopicMissing { topic: name.to_owned() })
}

/// The record in a row of `record_offset, record_key, value, headers, appended_at_ms`.
pub(super) fn record(row: &SqliteRow, partition: u32) -> Result<Record, BrokerError> {
    const ACTION: &str = "read a record's columns";
    let offset = row.try_get("record_offset").during(ACTION)?;
    let headers: &str = row.try_get("headers").during(ACTION)?;
    Ok(Record {
        place: Place { partition, offset },
        key: row.try_get("record_key").during(ACTION)?,
        value: row.try_get("value").during(ACTION)?,
        headers: decode_headers(headers).ok_or(BrokerError::HeadersUnreadable { partition, offset })?,
        appended_at_ms: row.try_get("appended_at_ms").during(ACTION)?,
    })
}

impl SqliteStore {
    pub(crate) async fn create_topic(&self, name: &str, partitions: u32) -> Result<(), BrokerError> {
        const ACTION: &str = "create the topic";
        if partitions == 0 {
            return Err(BrokerError::NoPartitions { topic: name.to_owned() });
        }
        let mut tx = self.begin().await.during(ACTION)?;
        match find_topic(&mut *tx, name).await.during(ACTION)? {
            Some(topic) if topic.partitions == partitions => return Ok(()),
            Some(topic) => {
                return Err(BrokerError::PartitionCountDiffers {
                    topic: name.to_owned(),
                    existing: topic.partitions,
                    requested: partitions,
                });
            }
            None => {}
        }
        let inserted =
            sqlx::query(INSERT_TOPIC).bind(name).bind(partitions).execute(&mut *tx).await.during(ACTION)?;
        for partition in 0..partitions {
            sqlx::query(INSERT_PARTITION)
                .bind(inserted.last_insert_rowid())
                .bind(partition)
                .execute(&mut *tx)
                .await
                .during(ACTION)?;
        }
        tx.commit().await.during(ACTION)
    }

    pub(crate) async fn append(&self, name: &str, records: &[NewRecord]) -> Result<Vec<Place>, BrokerError> {
        const ACTION: &str = "append records";
        let mut tx = self.begin().await.during(ACTION)?;
        let topic = topic(&mut *tx, name).await?;
        let partitions: Vec<u32> =
            records.iter().map(|record| partition_for(&record.key, topic.partitions)).collect();
        let mut next_offsets = BTreeMap::new();
        for partition in &partitions {
            *next_offsets.entry(*partition).or_insert(0_u64) += 1;
        }
        for (partition, count) in &mut next_offsets {
            // From the number of records to the offset of the first.
            *count = sqlx::query_scalar(ALLOCATE_OFFSETS)
                .bind(topic.id)
                .bind(*partition)
                .bind(as_stored(*count))
                .fetch_one(&mut *tx)
                .await
                .during(ACTION)?;
        }
        let mut places = Vec::with_capacity(records.len());
        for (record, partition) in records.iter().zip(partitions) {
            let next = next_offsets.entry(partition).or_default();
            sqlx::query(INSERT_RECORD)
                .bind(topic.id)
                .bind(partition)
                .bind(as_stored(*next))
                .bind(record.key.as_slice())
                .bind(record.value.as_slice())
                .bind(encode_headers(&record.headers))
                .bind(topic.now_ms)
                .execute(&mut *tx)
                .await
                .during(ACTION)?;
            places.push(Place { partition, offset: *next });
            *next += 1;
        }
        tx.commit().await.during(ACTION)?;
        Ok(places)
    }

    pub(crate) async fn records(
        &self,
        name: &str,
        partition: u32,
        from: u64,
        max: usize,
    ) -> Result<Vec<Record>, BrokerError> {
        let topic = topic(&self.reader, name).await?;
        if partition >= topic.partitions {
            return Err(BrokerError::PartitionMissing {
                topic: name.to_owned(),
                partition,
                partitions: topic.partitions,
            });
        }
        let rows = sqlx::query(READ_RECORDS)
            .bind(topic.id)
            .bind(partition)
            .bind(as_stored(from))
            .bind(as_stored(max as u64))
            .fetch_all(&self.reader)
            .await
            .during("read records")?;
        rows.iter().map(|row| record(row, partition)).collect()
    }

    pub(crate) async fn delete_before(
        &self,
        name: &str,
        age: Duration,
        max: u32,
    ) -> Result<u64, BrokerError> {
        const ACTION: &str = "delete old records";
        let mut tx = self.begin().await.during(ACTION)?;
        let topic = topic(&mut *tx, name).await?;
        let newest = topic.now_ms - as_ms(age);
        let mut deleted = 0;
        for partition in 0..topic.partitions {
            let oldest: Vec<(u64, i64)> = sqlx::query_as(OLDEST_RECORDS)
                .bind(topic.id)
                .bind(partition)
                .bind(as_stored(u64::from(max) - deleted))
                .fetch_all(&mut *tx)
                .await
                .during(ACTION)?;
            // Only from the front, even if a clock was set back: what is left has no gaps.
            let expired = oldest.iter().take_while(|(_, appended_at_ms)| *appended_at_ms <= newest);
            let Some((last, _)) = expired.last() else { continue };
            let first_offset = last + 1;
            let behind: Vec<(String, u64)> = sqlx::query_as(GROUPS_BEHIND)
                .bind(topic.id)
                .bind(partition)
                .bind(as_stored(first_offset))
                .fetch_all(&mut *tx)
                .await
                .during(ACTION)?;
            for (group, committed) in behind {
                tracing::warn!(
                    topic = name,
                    partition,
                    group,
                    committed,
                    first_offset,
                    "retention deletes records that a group has not committed"
                );
            }
            let result = sqlx::query(DELETE_RECORDS)
                .bind(topic.id)
                .bind(partition)
                .bind(as_stored(first_offset))
                .execute(&mut *tx)
                .await
                .during(ACTION)?;
            deleted += result.rows_affected();
            sqlx::query(RAISE_FIRST_OFFSET)
                .bind(topic.id)
                .bind(partition)
                .bind(as_stored(first_offset))
                .execute(&mut *tx)
                .await
                .during(ACTION)?;
        }
        tx.commit().await.during(ACTION)?;
        Ok(deleted)
    }
}
