-- A row that a relay writes before it follows the binary log, to find there where its sweep of the outbox began. Each
-- relay removes those before its own.
CREATE TABLE relayMarkers (
    id        BIGINT      NOT NULL AUTO_INCREMENT PRIMARY KEY,
    writtenAt DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
);
