-- Pages of one status, and accounts that nobody has confirmed in time.
CREATE INDEX users_status ON users (status, id);
CREATE INDEX users_unconfirmed ON users (status, lastUpdated);
