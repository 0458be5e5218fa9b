-- Addresses that a mail server refused for good, and that get no mail for a time. Microseconds since 1970 by this
-- machine's clock.
CREATE TABLE suppressedAddresses (
    -- SHA-256 of the address, so that erasing a user's data need not look here: only who knows the address finds it.
    addressHash    BLOB    NOT NULL PRIMARY KEY CHECK (length(addressHash) = 32),
    -- The mail that was refused; its attempts have the server's words.
    notificationId BLOB    NOT NULL CHECK (length(notificationId) = 16),
    endsAt         INTEGER NOT NULL
) STRICT;

CREATE INDEX suppressedAddresses_ended ON suppressedAddresses (endsAt);
