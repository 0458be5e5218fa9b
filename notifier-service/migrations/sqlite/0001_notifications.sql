-- One row a mail to send, kept after its end so that an event which comes again is recognised.
-- All times are microseconds since 1970 by this machine's clock. SQLite does not bound text by itself;
-- the checks make it refuse what the other databases refuse.
CREATE TABLE notifications (
    -- The order of recording.
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    eventId     BLOB    NOT NULL CHECK (length(eventId) = 16),
    userId      BLOB    NOT NULL CHECK (length(userId) = 16),
    kind        TEXT    NOT NULL CHECK (length(kind) <= 40),
    recipient   TEXT    NOT NULL CHECK (length(recipient) <= 320),
    locale      TEXT    NOT NULL CHECK (length(locale) <= 35),
    username    TEXT    NOT NULL CHECK (length(username) <= 255),
    fullName    TEXT    NULL     CHECK (length(fullName) <= 255),
    -- JSON array of field names.
    changed     TEXT    NOT NULL CHECK (length(CAST(changed AS BLOB)) <= 65535),
    traceparent TEXT    NULL     CHECK (length(traceparent) <= 255),
    state       TEXT    NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'dead')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    lastError   TEXT    NULL     CHECK (length(lastError) <= 1000),
    recordedAt  INTEGER NOT NULL,
    dueAt       INTEGER NOT NULL,
    leaseToken  BLOB    NULL,
    leaseUntil  INTEGER NULL,
    finishedAt  INTEGER NULL
) STRICT;

-- A claim reads what is due in this order and stops when it has enough.
CREATE INDEX notifications_due ON notifications (state, dueAt, seq);

-- Whether an earlier mail of the same user to the same recipient is still to be sent.
CREATE INDEX notifications_turn ON notifications (userId, recipient, state, seq);
