use chrono::{DateTime, Datelike, Timelike, Utc};
use shared_kernel::Locale;

const MONTHS: [[&str; 3]; 12] = [
    ["January", "janeiro", "enero"],
    ["February", "fevereiro", "febrero"],
    ["March", "março", "marzo"],
    ["April", "abril", "abril"],
    ["May", "maio", "mayo"],
    ["June", "junho", "junio"],
    ["July", "julho", "julio"],
    ["August", "agosto", "agosto"],
    ["September", "setembro", "septiembre"],
    ["October", "outubro", "octubre"],
    ["November", "novembro", "noviembre"],
    ["December", "dezembro", "diciembre"],
];

/// A moment in the reader's language, such as "1 May 2027, 08:00 UTC". Where its reader is, nobody knows.
pub(super) fn time_in_words(time: DateTime<Utc>, locale: Locale) -> String {
    let [en, pt_br, es] = MONTHS[time.month0() as usize];
    let (day, year) = (time.day(), time.year());
    let clock = format!("{:02}:{:02}", time.hour(), time.minute());
    match locale {
        Locale::En => format!("{day} {en} {year}, {clock} UTC"),
        Locale::PtBr => {
            // The first day of a month alone is counted by an ordinal number.
            let ordinal = if day == 1 { "º" } else { "" };
            format!("{day}{ordinal} de {pt_br} de {year}, {clock} (UTC)")
        }
        Locale::Es => format!("{day} de {es} de {year}, {clock} (UTC)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_as_people_write_it() {
        for (time, words) in [
            (
                "2027-05-01T08:00:59Z",
                [
                    "1 May 2027, 08:00 UTC",
                    "1º de maio de 2027, 08:00 (UTC)",
                    "1 de mayo de 2027, 08:00 (UTC)",
                ],
            ),
            (
                "2026-12-31T23:59:00Z",
                [
                    "31 December 2026, 23:59 UTC",
                    "31 de dezembro de 2026, 23:59 (UTC)",
                    "31 de diciembre de 2026, 23:59 (UTC)",
                ],
            ),
        ] {
            let time = time.parse().unwrap();
            assert_eq!(Locale::ALL.map(|locale| time_in_words(time, locale)), words);
        }
    }

    #[test]
    fn every_month_has_its_name() {
        for (month, [en, ..]) in (1..).zip(MONTHS) {
            let time: DateTime<Utc> = format!("2027-{month:02}-02T00:00:00Z").parse().unwrap();
            assert_eq!(time_in_words(time, Locale::En), format!("2 {en} 2027, 00:00 UTC"));
        }
    }
}
