-- Events that are committed and not yet published, in the order of `seq`. A row is deleted once the
-- broker has it.
CREATE TABLE outbox (
    seq         BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    id          BINARY(16)   NOT NULL,
    userId      BINARY(16)   NOT NULL,
    eventType   VARCHAR(100) NOT NULL,
    occurredAt  DATETIME(6)  NOT NULL,
    payload     MEDIUMTEXT   NOT NULL,
    traceparent VARCHAR(64)  NULL,
    UNIQUE KEY outbox_id (id)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Events that can never be published, with the reason, for an operator.
CREATE TABLE deadOutbox (
    seq         BIGINT        NOT NULL PRIMARY KEY,
    id          BINARY(16)    NOT NULL,
    userId      BINARY(16)    NOT NULL,
    eventType   VARCHAR(100)  NOT NULL,
    occurredAt  DATETIME(6)   NOT NULL,
    payload     MEDIUMTEXT    NOT NULL,
    traceparent VARCHAR(64)   NULL,
    reason      VARCHAR(1000) NOT NULL,
    buriedAt    DATETIME(6)   NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
