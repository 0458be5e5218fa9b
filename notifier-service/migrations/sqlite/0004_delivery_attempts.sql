-- One row an attempt to deliver a mail, the last ones of each. Microseconds since 1970 by this machine's clock.
CREATE TABLE deliveryAttempts (
    -- The order of recording.
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    notificationId BLOB    NOT NULL CHECK (length(notificationId) = 16),
    recordedAt     INTEGER NOT NULL,
    outcome        TEXT    NOT NULL CHECK (length(outcome) <= 20),
    -- The stage of the dialogue at which it ended; NULL where there was none.
    stage          TEXT    NULL     CHECK (length(stage) <= 20),
    -- The server's words. They may hold the address; NULL once they were erased.
    words          TEXT    NULL     CHECK (length(words) <= 1000)
) STRICT;

CREATE INDEX deliveryAttempts_notification ON deliveryAttempts (notificationId, seq);
