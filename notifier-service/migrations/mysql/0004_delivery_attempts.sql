-- One row an attempt to deliver a mail, the last ones of each. UTC by this server's clock.
CREATE TABLE deliveryAttempts (
    -- The order of recording.
    seq            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    notificationId BINARY(16)      NOT NULL,
    recordedAt     DATETIME(6)     NOT NULL,
    outcome        VARCHAR(20)     NOT NULL,
    -- The stage of the dialogue at which it ended; NULL where there was none.
    stage          VARCHAR(20)     NULL,
    -- The server's words. They may hold the address; NULL once they were erased.
    words          VARCHAR(1000)   NULL,
    PRIMARY KEY (seq),
    KEY deliveryAttempts_notification (notificationId, seq)
) ENGINE = InnoDB
  DEFAULT CHARACTER SET = utf8mb4
  COLLATE = utf8mb4_bin
