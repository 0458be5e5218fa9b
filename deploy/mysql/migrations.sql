-- The databases, and the account that `migrate` uses: it alone may change tables.
CREATE DATABASE IF NOT EXISTS userdata;
CREATE DATABASE IF NOT EXISTS notifier;
CREATE USER IF NOT EXISTS 'migrations'@'%';
ALTER USER 'migrations'@'%' IDENTIFIED BY 'CHANGE-ME';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES ON userdata.* TO 'migrations'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES ON notifier.* TO 'migrations'@'%';
