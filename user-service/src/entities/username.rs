use super::Violation;

/// The name that a user logs in by: 1 to 64 of `a-z A-Z 0-9 . _ -`, beginning with a letter or digit.
///
/// ASCII, so that three databases fold its case alike; no `@`, so that it is never taken for an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// The most characters that it may have.
    pub const MAX_CHARS: usize = 64;

    /// Takes what a client sent.
    ///
    /// # Errors
    ///
    /// A [`Violation`] that says what is accepted.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        if text.is_empty() {
            return Err(Violation::new("required", "must not be empty"));
        }
        if text.len() > Self::MAX_CHARS {
            return Err(Violation::new("too_long", "must have at most 64 characters"));
        }
        let well_formed = text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if !well_formed {
            return Err(Violation::new(
                "invalid_characters",
                "must begin with a letter or digit and hold only a-z, A-Z, 0-9, dot, underscore and hyphen",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// Takes what the database holds as it is: rows may be older than today's rules.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// As it was written by its owner; case is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_taken_as_written() {
        for name in ["ada", "Ada.Lovelace", "a", "0-day", "x_y-z.9", &"a".repeat(64)] {
            assert_eq!(Username::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        for (name, code) in [
            ("", "required"),
            (&*"a".repeat(65), "too_long"),
            (".ada", "invalid_characters"),
            ("ada@x", "invalid_characters"),
            ("ada lovelace", "invalid_characters"),
            ("ad\0a", "invalid_characters"),
            ("josé", "invalid_characters"),
        ] {
            assert_eq!(Username::parse(name).unwrap_err().code, code, "{name:?}");
        }
    }
}
