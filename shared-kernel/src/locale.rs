use serde::{Deserialize, Serialize};

/// The language in which a user reads mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "String", into = "&'static str")]
#[cfg_attr(feature = "schema", schemars(with = "String"))]
pub enum Locale {
    /// English, and what an unknown tag is read as: mail in a second-best language beats no mail.
    #[default]
    En,
    /// Brazilian Portuguese.
    PtBr,
    /// Spanish.
    Es,
}

impl Locale {
    /// Every language that mail is written in.
    pub const ALL: [Self; 3] = [Self::En, Self::PtBr, Self::Es];

    /// The BCP 47 tag, as the database, REST and events write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::PtBr => "pt-BR",
            Self::Es => "es",
        }
    }

    /// The language of exactly that tag.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.as_str() == tag)
    }
}

impl From<String> for Locale {
    fn from(tag: String) -> Self {
        Self::from_tag(&tag).unwrap_or_default()
    }
}

impl From<Locale> for &'static str {
    fn from(locale: Locale) -> Self {
        locale.as_str()
    }
}
