use std::time::Duration;

use shared_kernel::Locale;

/// From here on whole hours are told as such: "60 minutes" asks for more haste than "1 hour" does.
const TOLD_IN_HOURS: u64 = 120;

/// How long a link counts, in the reader's language, such as "48 hours" or "60 minutes".
pub(super) fn lifetime_in_words(lifetime: Duration, locale: Locale) -> String {
    let minutes = lifetime.as_secs() / 60;
    let in_hours = minutes >= TOLD_IN_HOURS && minutes.is_multiple_of(60);
    let unit = match (in_hours, minutes, locale) {
        (true, _, Locale::En) => "hours",
        (true, _, Locale::PtBr | Locale::Es) => "horas",
        (false, 1, Locale::En) => "minute",
        (false, _, Locale::En) => "minutes",
        (false, 1, Locale::PtBr | Locale::Es) => "minuto",
        (false, _, Locale::PtBr | Locale::Es) => "minutos",
    };
    format!("{} {unit}", if in_hours { minutes / 60 } else { minutes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_minutes_are_told_as_people_say_them() {
        for (minutes, words) in [
            (1, ["1 minute", "1 minuto", "1 minuto"]),
            (5, ["5 minutes", "5 minutos", "5 minutos"]),
            (60, ["60 minutes", "60 minutos", "60 minutos"]),
            (120, ["2 hours", "2 horas", "2 horas"]),
            (121, ["121 minutes", "121 minutos", "121 minutos"]),
            (48 * 60, ["48 hours", "48 horas", "48 horas"]),
        ] {
            let told = Locale::ALL.map(|locale| lifetime_in_words(Duration::from_secs(minutes * 60), locale));
            assert_eq!(told, words);
        }
    }
}
