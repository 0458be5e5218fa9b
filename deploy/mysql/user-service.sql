-- The account of `user-service serve` and `create-admin`.
CREATE USER IF NOT EXISTS 'user_service'@'%';
ALTER USER 'user_service'@'%' IDENTIFIED BY 'CHANGE-ME';
GRANT SELECT, INSERT, UPDATE, DELETE ON userdata.* TO 'user_service'@'%';
