-- What mails with links and about two addresses need. NULL on rows of earlier releases, whose mails have neither.
ALTER TABLE notifications
    -- The other address that the mail tells of.
    ADD COLUMN otherAddress    VARCHAR(320) NULL,
    -- The account's securityVersion as the event had it; NULL when the mail has no link.
    ADD COLUMN securityVersion BIGINT       NULL,
    -- When the event was made, by the clock of the service that made it.
    ADD COLUMN occurredAt      DATETIME(6)  NULL
