-- How long the mail was put off for, in microseconds: its age, which the time of an outage is no part of. Rows of
-- earlier releases start at none.
ALTER TABLE notifications
    ADD COLUMN putOffFor BIGINT UNSIGNED NOT NULL DEFAULT 0
