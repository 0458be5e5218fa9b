-- The table as it is where the service replaces an older one; made where there is none.
CREATE TABLE IF NOT EXISTS users (
    id          BINARY(16)   NOT NULL PRIMARY KEY,
    username    VARCHAR(255) NOT NULL,
    email       VARCHAR(255) NOT NULL,
    password    VARCHAR(255) NOT NULL,
    fullName    VARCHAR(255) NULL,
    dateOfBirth DATE         NULL,
    address     VARCHAR(255) NULL,
    status      ENUM('Unconfirmed', 'Confirmed') NOT NULL DEFAULT 'Unconfirmed',
    createdAt   DATETIME(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    lastUpdated DATETIME(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    UNIQUE KEY users_username (username),
    UNIQUE KEY users_email (email)
) DEFAULT CHARACTER SET utf8mb4;
