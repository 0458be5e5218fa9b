-- Logins that have not ended. Of the refresh token that carries one on, only the hash is kept.
CREATE TABLE sessions (
    id          BINARY(16)  NOT NULL PRIMARY KEY,
    userId      BINARY(16)  NOT NULL,
    refreshHash BINARY(32)  NOT NULL,
    createdAt   DATETIME(6) NOT NULL,
    expiresAt   DATETIME(6) NOT NULL,
    KEY sessions_userId (userId),
    KEY sessions_expiresAt (expiresAt)
);
