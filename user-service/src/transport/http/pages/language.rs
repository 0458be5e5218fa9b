//! The language of a page: the one that the link names, else the one that the browser would rather have.

use axum::http::{HeaderMap, header};
use shared_kernel::Locale;

pub(super) fn choose(lang: &str, headers: &HeaderMap) -> Locale {
    Locale::from_tag(lang).or_else(|| preferred(headers)).unwrap_or_default()
}

/// The best of `Accept-Language` (RFC 9110, section 12.5.4) that there are texts in; the first of equals.
fn preferred(headers: &HeaderMap) -> Option<Locale> {
    let lines = headers.get_all(header::ACCEPT_LANGUAGE);
    let ranges = lines.iter().flat_map(|line| line.to_str().unwrap_or_default().split(','));
    let wanted = ranges.filter_map(weighed).filter(|(_, weight)| *weight > 0.0);
    wanted.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(locale, _)| locale)
}

/// A range such as `pt-PT;q=0.8`. Every kind of a language is served by the one that there is.
fn weighed(range: &str) -> Option<(Locale, f32)> {
    let (tag, parameter) = range.split_once(';').unwrap_or((range, "q=1"));
    let language = tag.split('-').next().unwrap_or_default().trim();
    let locale = Locale::ALL.into_iter().find(|locale| {
        let ours = locale.as_str().split('-').next().unwrap_or_default();
        ours.eq_ignore_ascii_case(language)
    })?;
    let weight = parameter.trim().strip_prefix("q=")?.parse().ok()?;
    Some((locale, weight))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn chosen(lang: &str, accepted: &[&'static str]) -> &'static str {
        let line = |line: &&'static str| (header::ACCEPT_LANGUAGE, HeaderValue::from_static(line));
        choose(lang, &accepted.iter().map(line).collect()).as_str()
    }

    #[test]
    fn the_links_language_counts_first() {
        for locale in Locale::ALL {
            assert_eq!(chosen(locale.as_str(), &["de, en;q=0.5"]), locale.as_str());
        }
        assert_eq!(chosen("es", &["pt-BR"]), "es");
    }

    #[test]
    fn without_it_the_browsers_best_counts() {
        for (accepted, expected) in [
            (&["es"][..], "es"),
            (&["pt"], "pt-BR"),
            (&["pt-PT, en"], "pt-BR"),
            (&["PT-br"], "pt-BR"),
            (&["de, fr;q=0.9, es-MX;q=0.8, en;q=0.7"], "es"),
            (&["en;q=0.2, es;q=0.3"], "es"),
            (&["es;q=0.5,pt;q=0.5"], "es"),
            (&["de", "pt;q=0.1"], "pt-BR"),
            (&["es;q=0, pt; q=0.1"], "pt-BR"),
            (&["es;q=much, pt;q=0.1"], "pt-BR"),
            (&["es;q=NaN, pt;q=0.1"], "pt-BR"),
        ] {
            for lang in ["", "de", "PT-BR", "es'"] {
                assert_eq!(chosen(lang, accepted), expected, "{lang:?} {accepted:?}");
            }
        }
    }

    #[test]
    fn english_is_for_all_others() {
        for accepted in [&[][..], &[""], &["*"], &["de, fr"], &["est, ens"], &["es;q=0"], &[";;;,,,-"]] {
            assert_eq!(chosen("", accepted), "en", "{accepted:?}");
        }
    }
}
