-- Requests for a password reset, in the order of their ids, whether or not anybody has the address. A row is deleted
-- once it is looked at.
CREATE TABLE passwordResetRequests (
    id          BLOB NOT NULL PRIMARY KEY,
    email       TEXT NOT NULL,
    requestedAt TEXT NOT NULL,
    traceparent TEXT NULL
) STRICT, WITHOUT ROWID;
