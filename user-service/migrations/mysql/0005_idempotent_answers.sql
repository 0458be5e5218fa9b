-- What was answered to requests that their senders may repeat. Keys and bodies are kept as keyed hashes; an answer is
-- written in the transaction that carries its request out.
CREATE TABLE idempotentAnswers (
    keyHash   BINARY(32)  NOT NULL PRIMARY KEY,
    bodyHash  BINARY(32)  NOT NULL,
    expiresAt DATETIME(6) NOT NULL,
    userId    BINARY(16)  NULL,
    answer    MEDIUMTEXT  NULL,
    KEY idempotentAnswers_expiresAt (expiresAt),
    KEY idempotentAnswers_userId (userId)
) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
