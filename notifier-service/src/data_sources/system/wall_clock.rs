use std::time::SystemTime;

use chrono::{DateTime, Utc};

/// What time this machine has. Only to compare it: all that is recorded has the ledger's time.
#[expect(clippy::disallowed_methods, reason = "the owner of the machine's time")]
pub fn machine_time() -> DateTime<Utc> {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    DateTime::UNIX_EPOCH + since_1970
}
