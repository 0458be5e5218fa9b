use serde::{Deserialize, Serialize};

/// A column of a user whose change is told by name in an event's `changed`.
///
/// Some columns are told by name only: their values never leave the database.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "String", into = "String")]
#[cfg_attr(feature = "schema", schemars(with = "String"))]
pub enum UserField {
    /// The name that the user logs in by.
    Username,
    /// The address in force.
    Email,
    /// An address that waits for its confirmation.
    PendingEmail,
    /// The password; never its value.
    Password,
    /// The name to be addressed by.
    FullName,
    /// Never its value.
    DateOfBirth,
    /// The postal address; never its value.
    Address,
    /// Whether the address in force was confirmed.
    Status,
    /// The language of mail.
    Locale,
    /// A column that a newer user-service knows of and this build does not.
    Other(String),
}

impl UserField {
    /// Every column known to this build.
    pub const KNOWN: [Self; 9] = [
        Self::Username,
        Self::Email,
        Self::PendingEmail,
        Self::Password,
        Self::FullName,
        Self::DateOfBirth,
        Self::Address,
        Self::Status,
        Self::Locale,
    ];

    /// The camelCase name, as the database, REST and events write it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
            Self::PendingEmail => "pendingEmail",
            Self::Password => "password",
            Self::FullName => "fullName",
            Self::DateOfBirth => "dateOfBirth",
            Self::Address => "address",
            Self::Status => "status",
            Self::Locale => "locale",
            Self::Other(name) => name,
        }
    }
}

impl From<String> for UserField {
    fn from(name: String) -> Self {
        Self::KNOWN.into_iter().find(|field| field.as_str() == name).unwrap_or(Self::Other(name))
    }
}

impl From<UserField> for String {
    fn from(field: UserField) -> Self {
        field.as_str().to_owned()
    }
}
