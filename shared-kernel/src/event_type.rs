use std::fmt;

/// What happened, by the name that travels in the `ce_type` header.
///
/// The version is part of the name. An additive change of the value keeps it; any other change gets a
/// new version and an upcaster, so that events already on the topic stay readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// An account was made.
    Registered,
    /// At least one column changed.
    Updated,
    /// The account is gone.
    Deleted,
    /// Somebody asked for a link to choose a new password. No row changed.
    PasswordResetRequested,
    /// The user asked for the link that confirms an address once more. No row changed.
    ConfirmationRequested,
}

impl EventType {
    /// Every type that this build writes and reads.
    pub const ALL: [Self; 5] = [
        Self::Registered,
        Self::Updated,
        Self::Deleted,
        Self::PasswordResetRequested,
        Self::ConfirmationRequested,
    ];

    /// The name with its version, as in the `ce_type` header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "inf-user.user.registered.v1",
            Self::Updated => "inf-user.user.updated.v1",
            Self::Deleted => "inf-user.user.deleted.v1",
            Self::PasswordResetRequested => "inf-user.user.password-reset-requested.v1",
            Self::ConfirmationRequested => "inf-user.user.confirmation-requested.v1",
        }
    }

    /// The type of exactly that name and version.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event_type| event_type.as_str() == name)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
