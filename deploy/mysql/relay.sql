-- The account of `user-service relay`, which captures the changes, with no more rights than it needs. MySQL grants rights on a
-- table only once it is there, so `user-service migrate` comes first.
CREATE USER IF NOT EXISTS 'relay'@'%';
ALTER USER 'relay'@'%' IDENTIFIED BY 'CHANGE-ME';
GRANT SELECT ON userdata.user_migrations TO 'relay'@'%';
GRANT SELECT, INSERT, DELETE ON userdata.outbox TO 'relay'@'%';
GRANT SELECT, INSERT, DELETE ON userdata.deadOutbox TO 'relay'@'%';
GRANT SELECT, INSERT, DELETE ON userdata.relayMarkers TO 'relay'@'%';
-- For --capture users-table. A server without binlog_row_metadata=FULL, which names the columns in the binlog, must let the relay
-- look them up as well: GRANT SELECT ON userdata.users TO 'relay'@'%', which also shows it what is in them.
GRANT SELECT, INSERT, UPDATE ON userdata.relayPosition TO 'relay'@'%';
-- To follow the binlog. MySQL has no finer right: whoever has this one can read every change on the server.
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'relay'@'%';
