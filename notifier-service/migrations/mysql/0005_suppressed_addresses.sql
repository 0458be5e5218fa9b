-- Addresses that a mail server refused for good, and that get no mail for a time. UTC by this server's clock.
CREATE TABLE suppressedAddresses (
    -- SHA-256 of the address, so that erasing a user's data need not look here: only who knows the address finds it.
    addressHash    BINARY(32)  NOT NULL,
    -- The mail that was refused; its attempts have the server's words.
    notificationId BINARY(16)  NOT NULL,
    endsAt         DATETIME(6) NOT NULL,
    PRIMARY KEY (addressHash),
    KEY suppressedAddresses_ended (endsAt)
) ENGINE = InnoDB
