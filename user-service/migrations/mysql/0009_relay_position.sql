-- How far a relay that captures changes from the table users has read the binary log, one row a way of capturing. Each
-- relay that becomes active raises the epoch, and only the one with the current epoch moves the position.
CREATE TABLE relayPosition (
    capture       VARCHAR(20)     NOT NULL PRIMARY KEY,
    epoch         BIGINT          NOT NULL,
    -- The server whose files are meant. Where transactions have GTIDs, it may be another one next time.
    serverUuid    VARCHAR(64)     NOT NULL,
    gtids         MEDIUMTEXT      NULL,
    file          VARCHAR(512)    NOT NULL,
    fileOffset    BIGINT          NOT NULL,
    -- What is done of the transaction that comes then: its GTID, if it has one, and how many of its events with rows.
    partOf        VARCHAR(150)    NULL,
    partEvents    BIGINT          NOT NULL DEFAULT 0,
    -- While the outbox is swept before the log is read: where the sweep ends in the log, and in the outbox.
    marker        BIGINT          NULL,
    sweptThrough  BIGINT          NULL,
    storedAt      DATETIME(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
