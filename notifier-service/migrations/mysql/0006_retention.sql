-- What keeps personal data no longer than it is needed, and lets an operator act on a mail.
ALTER TABLE notifications
    MODIFY COLUMN state ENUM ('queued', 'sent', 'dead', 'cancelled') NOT NULL DEFAULT 'queued',
    -- When everything about a person was taken out of the row. What is left recognises an event that comes again.
    ADD COLUMN erasedAt DATETIME(6)  NULL,
    -- How often an operator put the row back to be sent.
    ADD COLUMN requeued INT UNSIGNED NOT NULL DEFAULT 0,
    -- Finished rows by age, those that still hold personal data apart.
    ADD KEY notifications_finished (erasedAt, finishedAt),
    -- A user's rows that hold personal data.
    ADD KEY notifications_person (userId, erasedAt),
    -- The users that were deleted.
    ADD KEY notifications_kind (kind, userId)
