-- A topic and the number of its partitions, which never changes.
CREATE TABLE broker_topics (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    partitions INTEGER NOT NULL CHECK (partitions > 0)
) STRICT;

-- The ends of each partition: records exist from first_offset up to, not including, next_offset.
CREATE TABLE broker_partitions (
    topic_id     INTEGER NOT NULL REFERENCES broker_topics (id),
    partition    INTEGER NOT NULL CHECK (partition >= 0),
    first_offset INTEGER NOT NULL DEFAULT 0 CHECK (first_offset >= 0),
    next_offset  INTEGER NOT NULL DEFAULT 0 CHECK (next_offset >= first_offset),
    PRIMARY KEY (topic_id, partition)
) STRICT, WITHOUT ROWID;

-- headers: a JSON array of [name, value], value being a string, or an array of bytes where it is not UTF-8.
CREATE TABLE broker_records (
    id             INTEGER PRIMARY KEY,
    topic_id       INTEGER NOT NULL REFERENCES broker_topics (id),
    partition      INTEGER NOT NULL,
    record_offset  INTEGER NOT NULL,
    record_key     BLOB    NOT NULL,
    value          BLOB    NOT NULL,
    headers        TEXT    NOT NULL,
    appended_at_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX broker_records_place ON broker_records (topic_id, partition, record_offset);

-- generation rises whenever a member joins, leaves or expires and whenever a lease is given up: members that see
-- it move divide the partitions anew.
CREATE TABLE broker_groups (
    id         INTEGER PRIMARY KEY,
    topic_id   INTEGER NOT NULL REFERENCES broker_topics (id),
    name       TEXT    NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic_id, name)
) STRICT;

-- expires_at_ms is by this database's clock, as is every comparison with it.
CREATE TABLE broker_members (
    group_id      INTEGER NOT NULL REFERENCES broker_groups (id),
    member_id     TEXT    NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (group_id, member_id)
) STRICT, WITHOUT ROWID;

-- Who holds a partition (nobody when NULL) and how far the group has come. epoch rises with every change of holder.
CREATE TABLE broker_leases (
    group_id         INTEGER NOT NULL REFERENCES broker_groups (id),
    partition        INTEGER NOT NULL,
    member_id        TEXT,
    epoch            INTEGER NOT NULL DEFAULT 0,
    committed_offset INTEGER NOT NULL CHECK (committed_offset >= 0),
    PRIMARY KEY (group_id, partition)
) STRICT, WITHOUT ROWID;
