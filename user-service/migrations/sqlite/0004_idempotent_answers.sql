-- What was answered to requests that their senders may repeat. Keys and bodies are kept as keyed hashes; an answer is
-- written in the transaction that carries its request out.
CREATE TABLE idempotentAnswers (
    keyHash   BLOB NOT NULL PRIMARY KEY,
    bodyHash  BLOB NOT NULL,
    expiresAt TEXT NOT NULL,
    userId    BLOB NULL,
    answer    TEXT NULL
) STRICT;

CREATE INDEX idempotentAnswers_expiresAt ON idempotentAnswers (expiresAt);
CREATE INDEX idempotentAnswers_userId ON idempotentAnswers (userId);
