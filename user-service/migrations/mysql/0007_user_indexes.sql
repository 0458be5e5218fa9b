-- Since when the owner of the address is asked to confirm it: null for accounts from before this service, which were
-- sent no link and so never expire. And what is read by index: pages of one status, and accounts that nobody has
-- confirmed in time.
--
-- One statement: the server does all of it in place, while the table is read and written.
ALTER TABLE users
    ADD COLUMN confirmationAskedAt DATETIME(6) NULL,
    ADD INDEX users_status (status, id),
    ADD INDEX users_unconfirmed (status, confirmationAskedAt, role);
