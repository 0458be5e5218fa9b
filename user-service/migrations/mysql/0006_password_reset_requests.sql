-- Requests for a password reset, in the order of their ids, whether or not anybody has the address. A row is deleted
-- once it is looked at.
CREATE TABLE passwordResetRequests (
    id          BINARY(16)   NOT NULL PRIMARY KEY,
    email       VARCHAR(255) NOT NULL,
    requestedAt DATETIME(6)  NOT NULL,
    traceparent VARCHAR(64)  NULL
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
