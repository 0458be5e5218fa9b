-- One row a mail to send, kept after its end so that an event which comes again is recognised.
-- All times are UTC by this server's clock.
CREATE TABLE notifications (
    -- The order of recording. Never used to page: a smaller one may be committed later.
    seq         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    id          BINARY(16)      NOT NULL,
    eventId     BINARY(16)      NOT NULL,
    userId      BINARY(16)      NOT NULL,
    kind        VARCHAR(40)     NOT NULL,
    recipient   VARCHAR(320)    NOT NULL,
    locale      VARCHAR(35)     NOT NULL,
    username    VARCHAR(255)    NOT NULL,
    fullName    VARCHAR(255)    NULL,
    -- JSON array of field names.
    changed     TEXT            NOT NULL,
    traceparent VARCHAR(255)    NULL,
    state       ENUM ('queued', 'sent', 'dead') NOT NULL DEFAULT 'queued',
    attempts    INT UNSIGNED    NOT NULL DEFAULT 0,
    lastError   VARCHAR(1000)   NULL,
    recordedAt  DATETIME(6)     NOT NULL,
    dueAt       DATETIME(6)     NOT NULL,
    leaseToken  BINARY(16)      NULL,
    leaseUntil  DATETIME(6)     NULL,
    finishedAt  DATETIME(6)     NULL,
    PRIMARY KEY (seq),
    UNIQUE KEY notifications_id (id),
    -- A claim reads what is due in this order and stops when it has enough.
    KEY notifications_due (state, dueAt, seq),
    -- Whether an earlier mail of the same user to the same recipient is still to be sent.
    KEY notifications_turn (userId, recipient, state, seq)
) ENGINE = InnoDB
  DEFAULT CHARACTER SET = utf8mb4
  COLLATE = utf8mb4_bin
