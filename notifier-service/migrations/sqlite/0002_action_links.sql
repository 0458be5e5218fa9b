-- What mails with links and about two addresses need. NULL on rows of earlier releases, whose mails have neither.

-- The other address that the mail tells of.
ALTER TABLE notifications ADD COLUMN otherAddress TEXT NULL CHECK (length(otherAddress) <= 320);

-- The account's securityVersion as the event had it; NULL when the mail has no link.
ALTER TABLE notifications ADD COLUMN securityVersion INTEGER NULL;

-- When the event was made, by the clock of the service that made it, in microseconds since 1970.
ALTER TABLE notifications ADD COLUMN occurredAt INTEGER NULL;
