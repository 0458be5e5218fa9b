use async_trait::async_trait;
use zxcvbn::Score;
use zxcvbn::feedback::{Feedback, Warning};

use crate::entities::{NewPassword, Violation};
use crate::repositories::{PasswordHasherError, PasswordStrength};

/// Rates passwords as zxcvbn does (<https://www.usenix.org/conference/usenixsecurity16/technical-sessions/presentation/wheeler>):
/// by how many guesses somebody needs who knows common passwords, words, names, dates and patterns, and the
/// person.
#[derive(Debug, Clone, Copy)]
pub struct ZxcvbnPasswordStrength {
    least: Score,
}

impl ZxcvbnPasswordStrength {
    /// The code of the refusal, in REST.
    const CODE: &str = "too_weak";

    /// Refuses what scores less, of 0 to 4. A greater number counts as 4.
    pub fn new(least_score: u8) -> Self {
        let least = match least_score {
            0 => Score::Zero,
            1 => Score::One,
            2 => Score::Two,
            3 => Score::Three,
            _ => Score::Four,
        };
        Self { least }
    }
}

#[async_trait]
impl PasswordStrength for ZxcvbnPasswordStrength {
    async fn weakness(
        &self,
        password: &NewPassword,
        personal: &[&str],
    ) -> Result<Option<Violation>, PasswordHasherError> {
        let (password, least) = (password.clone(), self.least);
        let personal: Vec<String> = personal.iter().flat_map(|text| parts(text)).collect();
        // Milliseconds for a long password: too long for the threads that serve others.
        let rated = tokio::task::spawn_blocking(move || {
            let personal: Vec<&str> = personal.iter().map(String::as_str).collect();
            let estimate = zxcvbn::zxcvbn(password.expose(), &personal);
            let message = || reason(estimate.feedback());
            (estimate.score() < least).then(|| Violation { code: Self::CODE, message: message() })
        });
        rated.await.map_err(|panicked| PasswordHasherError(Box::new(panicked)))
    }
}

/// A text and the words in it: of `ada.lovelace@example.org`, `lovelace` too is no secret.
fn parts(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 2);
    std::iter::once(text).chain(words).map(str::to_lowercase)
}

/// What is wrong, and what would be better, in words of our own that repeat nothing of the password.
fn reason(feedback: Option<&Feedback>) -> &'static str {
    let Some(warning) = feedback.and_then(Feedback::warning) else {
        return "is too easy to guess; make it longer, of a few uncommon words, say";
    };
    match warning {
        Warning::ThisIsATop10Password | Warning::ThisIsATop100Password | Warning::ThisIsACommonPassword => {
            "is too easy to guess: many people use it"
        }
        Warning::ThisIsSimilarToACommonlyUsedPassword => {
            "is too easy to guess: it is close to one that many people use"
        }
        Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => {
            "is too easy to guess: it follows the keyboard"
        }
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            "is too easy to guess: it repeats itself"
        }
        Warning::SequencesLikeAbcAreEasyToGuess => {
            "is too easy to guess: it is a sequence such as abc or 654"
        }
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => {
            "is too easy to guess: it is a date or a year"
        }
        Warning::AWordByItselfIsEasyToGuess => "is too easy to guess: it is a single word; add more words",
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
        | Warning::CommonNamesAndSurnamesAreEasyToGuess => "is too easy to guess: it is a name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn weakness(password: &str, personal: &[&str]) -> Option<&'static str> {
        let strength = ZxcvbnPasswordStrength::new(3);
        let password = NewPassword::parse(password).unwrap();
        strength.weakness(&password, personal).await.unwrap().map(|violation| violation.message)
    }

    #[tokio::test]
    async fn what_is_easy_to_guess_is_refused_with_its_reason() {
        for (password, reason) in [
            ("password1", "many people use it"),
            ("aaaaaaaaaa", "repeats itself"),
            ("abcdefgh", "sequence"),
            ("qwertyuiop", "many people use it"),
            ("19871987", "repeats itself"),
        ] {
            let found = weakness(password, &[]).await.unwrap_or_default();
            assert!(found.contains(reason), "{password}: {found}");
        }
    }

    #[tokio::test]
    async fn what_is_known_of_the_person_is_easy_to_guess() {
        let person = ["ada", "ada.lovelace@example.org", "Ada Lovelace"];
        assert!(weakness("adalovelace", &person).await.is_some());
        assert!(weakness("lovelace1", &person).await.is_some());
    }

    #[tokio::test]
    async fn a_few_words_or_a_random_string_are_strong() {
        for password in ["correct-horse-battery", "vK3!pQ9zXw", "tres tristes tigres comen trigo"] {
            assert_eq!(weakness(password, &["ada"]).await, None, "{password}");
        }
    }
}
