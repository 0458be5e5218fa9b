-- What keeps personal data no longer than it is needed, and lets an operator act on a mail. SQLite cannot change a check,
-- so the table is made anew.
CREATE TABLE notifications_with_retention (
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
    state       TEXT    NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'dead', 'cancelled')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    lastError   TEXT    NULL     CHECK (length(lastError) <= 1000),
    recordedAt  INTEGER NOT NULL,
    dueAt       INTEGER NOT NULL,
    leaseToken  BLOB    NULL,
    leaseUntil  INTEGER NULL,
    finishedAt  INTEGER NULL,
    -- The other address that the mail tells of.
    otherAddress    TEXT    NULL CHECK (length(otherAddress) <= 320),
    -- The account's securityVersion as the event had it; NULL when the mail has no link.
    securityVersion INTEGER NULL,
    -- When the event was made, by the clock of the service that made it, in microseconds since 1970.
    occurredAt      INTEGER NULL,
    -- How long the mail was put off for, in microseconds: its age, which the time of an outage is no part of.
    putOffFor       INTEGER NOT NULL DEFAULT 0,
    -- When everything about a person was taken out of the row. What is left recognises an event that comes again.
    erasedAt        INTEGER NULL,
    -- How often an operator put the row back to be sent.
    requeued        INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO notifications_with_retention (
    seq, id, eventId, userId, kind, recipient, locale, username, fullName, changed, traceparent, state, attempts, lastError,
    recordedAt, dueAt, leaseToken, leaseUntil, finishedAt, otherAddress, securityVersion, occurredAt, putOffFor)
SELECT
    seq, id, eventId, userId, kind, recipient, locale, username, fullName, changed, traceparent, state, attempts, lastError,
    recordedAt, dueAt, leaseToken, leaseUntil, finishedAt, otherAddress, securityVersion, occurredAt, putOffFor
FROM notifications;

DROP TABLE notifications;
ALTER TABLE notifications_with_retention RENAME TO notifications;

-- A claim reads what is due in this order and stops when it has enough.
CREATE INDEX notifications_due ON notifications (state, dueAt, seq);

-- Whether an earlier mail of the same user to the same recipient is still to be sent.
CREATE INDEX notifications_turn ON notifications (userId, recipient, state, seq);

-- Finished rows by age, those that still hold personal data apart.
CREATE INDEX notifications_finished ON notifications (erasedAt, finishedAt);

-- A user's rows that hold personal data.
CREATE INDEX notifications_person ON notifications (userId, erasedAt);

-- The users that were deleted.
CREATE INDEX notifications_kind ON notifications (kind, userId);
