use chrono::{Datelike, NaiveDate};

use super::Violation;

/// A day between 1900-01-01 and today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateOfBirth(NaiveDate);

impl DateOfBirth {
    /// Takes `YYYY-MM-DD`. Whether the day has come yet is for [`not_after`](Self::not_after), which
    /// needs to be told the date.
    ///
    /// # Errors
    ///
    /// A [`Violation`] that says what is accepted.
    pub fn parse(text: &str) -> Result<Self, Violation> {
        // chrono also takes `1-2-3` and signed years, which are hardly what their sender meant.
        let well_formed = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .filter(|date| well_formed && date.year() >= 1900)
            .map(Self)
            .ok_or(Violation::new("invalid_date", "must be a day from 1900 on, written YYYY-MM-DD"))
    }

    /// Refuses a day that is still to come.
    ///
    /// # Errors
    ///
    /// A [`Violation`] when it is after `today`.
    pub fn not_after(self, today: NaiveDate) -> Result<Self, Violation> {
        if self.0 > today {
            return Err(Violation::new("in_the_future", "must not be in the future"));
        }
        Ok(self)
    }

    /// Takes what the database holds as it is: rows may be older than today's rules.
    pub fn from_stored(date: NaiveDate) -> Self {
        Self(date)
    }

    /// The day.
    pub fn date(self) -> NaiveDate {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_days_are_taken_until_today() {
        let today = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        for text in ["1900-01-01", "2024-02-29", "2026-03-01"] {
            assert!(DateOfBirth::parse(text).unwrap().not_after(today).is_ok(), "{text}");
        }
        assert_eq!(
            DateOfBirth::parse("2026-03-02").unwrap().not_after(today).unwrap_err().code,
            "in_the_future"
        );
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "",
            "2023-02-29",
            "1899-12-31",
            "1-2-3",
            "+1990-01-1",
            "01/02/1990",
            "1990-01-01T00:00",
            "1990-13-01",
        ] {
            assert_eq!(DateOfBirth::parse(text).unwrap_err().code, "invalid_date", "{text:?}");
        }
    }
}
