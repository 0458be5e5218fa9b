-- Since when the owner of the address is asked to confirm it. And what is read by index: pages of one status, and
-- accounts that nobody has confirmed in time.
ALTER TABLE users ADD COLUMN confirmationAskedAt TEXT NULL;
CREATE INDEX users_status ON users (status, id);
CREATE INDEX users_unconfirmed ON users (status, confirmationAskedAt);
