-- What the service adds to the table. Each column has a default, so that whoever still writes to the
-- table by the old columns goes on working.
--
-- Uniqueness without regard to case is by the generated keys, not by a collation, so that every database
-- agrees on it; the columns themselves therefore compare byte by byte. What people write freely is widened
-- to every letter there is, in case the table is older than the server's utf8mb4.
--
-- One statement: it takes place wholly or not at all, and copies the table once.
ALTER TABLE users
    MODIFY username VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    MODIFY email    VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    MODIFY fullName VARCHAR(255) CHARACTER SET utf8mb4 NULL,
    MODIFY address  VARCHAR(255) CHARACTER SET utf8mb4 NULL,
    ADD COLUMN pendingEmail      VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    ADD COLUMN locale            VARCHAR(5)  NOT NULL DEFAULT 'en',
    ADD COLUMN role              ENUM('user', 'admin') NOT NULL DEFAULT 'user',
    ADD COLUMN version           BIGINT      NOT NULL DEFAULT 1,
    ADD COLUMN securityVersion   BIGINT      NOT NULL DEFAULT 1,
    ADD COLUMN passwordChangedAt DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    ADD COLUMN lastEventId       BINARY(16)  NULL,
    ADD COLUMN usernameKey VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin GENERATED ALWAYS AS (LOWER(username)) STORED,
    ADD COLUMN emailKey    VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin GENERATED ALWAYS AS (LOWER(email)) STORED,
    ADD UNIQUE KEY users_usernameKey (usernameKey),
    ADD UNIQUE KEY users_emailKey (emailKey);
