-- The MySQL account that the connector reads as, with no more rights than it needs. Set a password of your own, and, where
-- yours are others, the database's name and the host that Kafka Connect runs on.
CREATE USER IF NOT EXISTS 'debezium'@'%';
ALTER USER 'debezium'@'%' IDENTIFIED BY 'CHANGE-ME';
-- To follow the binlog, and to ask where it ends. MySQL has no finer right: whoever has this one can read every change on
-- the server, of columns too that never leave it by the connector. So guard this password like the data.
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'debezium'@'%';
-- To read how the table is made: SHOW CREATE TABLE is refused to an account that may only read some of its columns.
GRANT SELECT ON userdata.users TO 'debezium'@'%';
