/// Which mail a notification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationKind {
    /// Welcome to a new account.
    Registered,
    /// Which fields of the account changed.
    Updated,
    /// The account is gone.
    Deleted,
}

impl NotificationKind {
    /// Every kind of mail.
    pub const ALL: [Self; 3] = [Self::Registered, Self::Updated, Self::Deleted];

    /// The name in the ledger, in logs and of the templates. Part of a notification's id, so it never
    /// changes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }

    /// The kind of exactly that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}
