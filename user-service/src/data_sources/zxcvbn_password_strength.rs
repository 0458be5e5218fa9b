use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use zxcvbn::Score;
use zxcvbn::feedback::{Feedback, Warning};

use crate::entities::{NewPassword, Violation};
use crate::repositories::{PasswordHasherError, PasswordStrength};

/// Rates passwords as zxcvbn does (<https://www.usenix.org/conference/usenixsecurity16/technical-sessions/presentation/wheeler>):
/// by how many guesses somebody needs who knows common passwords, words, names, dates and patterns, and the
/// person.
///
/// Off the async threads, as many at once as there are processors. Made-up passwords of many substitutes for letters
/// take time that grows fast with their length, so that only the beginning is rated: what is hard to guess by its first
/// characters is not easier to guess as a whole.
#[derive(Debug, Clone)]
pub struct ZxcvbnPasswordStrength {
    least: Score,
    permits: Arc<Semaphore>,
}

impl ZxcvbnPasswordStrength {
    /// The code of the refusal, in REST.
    const CODE: &str = "too_weak";

    /// How many characters are rated; no more than some ten milliseconds' work.
    const RATED_CHARS: usize = 32;

    /// Refuses what scores less, of 0 to 4. A greater number counts as 4.
    pub fn new(least_score: u8) -> Self {
        let least = match least_score {
            0 => Score::Zero,
            1 => Score::One,
            2 => Score::Two,
            3 => Score::Three,
            _ => Score::Four,
        };
        let at_once = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { least, permits: Arc::new(Semaphore::new(at_once)) }
    }
}

#[async_trait]
impl PasswordStrength for ZxcvbnPasswordStrength {
    async fn weakness(
        &self,
        password: &NewPassword,
        personal: &[&str],
    ) -> Result<Option<Violation>, PasswordHasherError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|closed| PasswordHasherError(Box::new(closed)))?;
        let (password, least) = (password.clone(), self.least);
        let personal: Vec<String> = personal.iter().flat_map(|text| parts(text)).collect();
        let rated = tokio::task::spawn_blocking(move || {
            // Held by the work and not by the caller, who may be gone before it ends.
            let _permit = permit;
            let personal: Vec<&str> = personal.iter().map(String::as_str).collect();
            let estimate = zxcvbn::zxcvbn(beginning(password.expose()), &personal);
            let message = || reason(estimate.feedback());
            (estimate.score() < least).then(|| Violation { code: Self::CODE, message: message() })
        });
        rated.await.map_err(|panicked| PasswordHasherError(Box::new(panicked)))
    }
}

fn beginning(password: &str) -> &str {
    let end =
        password.char_indices().nth(ZxcvbnPasswordStrength::RATED_CHARS).map_or(password.len(), |(at, _)| at);
    &password[..end]
}

/// A text and what is in it: of `ada.lovelace@example.org`, `ada.lovelace`, `adalovelace` and `lovelace` too are no
/// secrets.
fn parts(text: &str) -> impl Iterator<Item = String> {
    let is_between = |c: char| !c.is_alphanumeric();
    let local = text.split('@').next().unwrap_or_default();
    let words = text.split(is_between).filter(|word| word.chars().count() > 2).map(str::to_owned);
    let together = [text.to_owned(), local.to_owned(), local.replace(is_between, "")];
    together.into_iter().chain(words).map(|part| part.to_lowercase())
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
        assert!(weakness("ada.lovelace2024", &person).await.is_some());
        assert!(weakness("AdaLovelace24", &person).await.is_some());
    }

    #[tokio::test]
    async fn only_the_beginning_of_a_long_password_is_rated() {
        let words = "tres tristes tigres comen trigo en un trigal";
        assert!(words.starts_with(beginning(words)) && beginning(words).chars().count() == 32);
        assert_eq!(beginning("pässwörter"), "pässwörter");
        assert_eq!(weakness(words, &[]).await, None);
        assert!(weakness(&"4@8({[<36&9#!1|0$5+7%2z".repeat(5), &[]).await.is_none());
    }

    #[tokio::test]
    async fn a_few_words_or_a_random_string_are_strong() {
        for password in ["correct-horse-battery", "vK3!pQ9zXw", "tres tristes tigres comen trigo"] {
            assert_eq!(weakness(password, &["ada"]).await, None, "{password}");
        }
    }
}
