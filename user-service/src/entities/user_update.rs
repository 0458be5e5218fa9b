use chrono::NaiveDate;
use shared_kernel::Locale;

use super::{DateOfBirth, EmailAddress, FieldViolation, FullName, PostalAddress, Username};

/// What an update does to one column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FieldUpdate<T> {
    /// Leaves it as it is.
    #[default]
    Keep,
    /// Gives it this value.
    Set(T),
}

impl<T> FieldUpdate<T> {
    pub(crate) fn apply(self, to: &mut T) {
        if let Self::Set(value) = self {
            *to = value;
        }
    }
}

/// A wanted change of a user: each column kept or set. A `PUT` sets all of them, a `PATCH` some.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the fields are the columns of the same names")]
pub struct UserUpdate {
    pub username: FieldUpdate<Username>,
    pub email: FieldUpdate<EmailAddress>,
    pub full_name: FieldUpdate<Option<FullName>>,
    pub date_of_birth: FieldUpdate<Option<DateOfBirth>>,
    pub address: FieldUpdate<Option<PostalAddress>>,
    pub locale: FieldUpdate<Locale>,
    /// Whether it is a `PUT`.
    pub whole: bool,
}

impl UserUpdate {
    /// Checks the rules that need the date.
    ///
    /// # Errors
    ///
    /// The field that breaks one.
    pub fn check(&self, today: NaiveDate) -> Result<(), FieldViolation> {
        match self.date_of_birth {
            FieldUpdate::Set(Some(date)) => check_date_of_birth(date, today),
            FieldUpdate::Set(None) | FieldUpdate::Keep => Ok(()),
        }
    }
}

pub(crate) fn check_date_of_birth(date: DateOfBirth, today: NaiveDate) -> Result<(), FieldViolation> {
    date.not_after(today).map(drop).map_err(|violation| FieldViolation { field: "dateOfBirth", violation })
}
