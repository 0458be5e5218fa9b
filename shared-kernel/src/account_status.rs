use serde::{Deserialize, Serialize};

/// Whether the account's address was confirmed by its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum AccountStatus {
    /// Nobody has shown yet that the address is theirs.
    Unconfirmed,
    /// The owner of the address opened the link that was sent to it.
    Confirmed,
}

impl AccountStatus {
    /// Every status, in the order of an account's life.
    pub const ALL: [Self; 2] = [Self::Unconfirmed, Self::Confirmed];

    /// The name used in the database, in REST and in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unconfirmed => "Unconfirmed",
            Self::Confirmed => "Confirmed",
        }
    }

    /// The status of that name, exactly as [`as_str`](Self::as_str) writes it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}
