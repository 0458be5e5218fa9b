/// What is wrong with one value, in words for the person who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    /// Stable and for programs, such as `too_long`.
    pub code: &'static str,
    /// What is accepted instead. Never repeats the value.
    pub message: &'static str,
}

impl Violation {
    pub(crate) const fn new(code: &'static str, message: &'static str) -> Self {
        Self { code, message }
    }
}

/// A [`Violation`] and the field that it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldViolation {
    /// The field by its name in REST, such as `dateOfBirth`.
    pub field: &'static str,
    /// What is wrong with it.
    pub violation: Violation,
}
