-- The account of `notifier-service run`.
CREATE USER IF NOT EXISTS 'notifier'@'%';
ALTER USER 'notifier'@'%' IDENTIFIED BY 'CHANGE-ME';
GRANT SELECT, INSERT, UPDATE, DELETE ON notifier.* TO 'notifier'@'%';
