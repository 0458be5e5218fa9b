-- Logins that have not ended. Of the refresh token that carries one on, only the hash is kept.
CREATE TABLE sessions (
    id          BLOB NOT NULL PRIMARY KEY,
    userId      BLOB NOT NULL,
    refreshHash BLOB NOT NULL,
    createdAt   TEXT NOT NULL,
    expiresAt   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_userId ON sessions (userId);
CREATE INDEX sessions_expiresAt ON sessions (expiresAt);
