-- Events that are committed and not yet published, in the order of `seq`. A row is deleted once the
-- broker has it; AUTOINCREMENT, so that the number of a deleted row is never given again.
CREATE TABLE outbox (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          BLOB NOT NULL UNIQUE,
    userId      BLOB NOT NULL,
    eventType   TEXT NOT NULL,
    occurredAt  TEXT NOT NULL,
    payload     TEXT NOT NULL,
    traceparent TEXT NULL
) STRICT;

-- Events that can never be published, with the reason, for an operator.
CREATE TABLE deadOutbox (
    seq         INTEGER PRIMARY KEY,
    id          BLOB NOT NULL,
    userId      BLOB NOT NULL,
    eventType   TEXT NOT NULL,
    occurredAt  TEXT NOT NULL,
    payload     TEXT NOT NULL,
    traceparent TEXT NULL,
    reason      TEXT NOT NULL,
    buriedAt    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
