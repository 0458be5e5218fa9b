-- Pages of one status, and accounts that nobody has confirmed in time. The last columns of the second are there to be
-- read: an older program may have left many accounts that never expire, which are passed over in the index alone.
--
-- One statement: the server builds both in place, while the table is read and written.
ALTER TABLE users
    ADD INDEX users_status (status, id),
    ADD INDEX users_unconfirmed (status, lastUpdated, role, lastEventId);
