/// A user's text as part of a line: no line of its own, no control characters, and none of those that
/// turn the direction of the text around it.
pub fn one_line(text: &str) -> String {
    let kept: String =
        text.chars().filter(|c| !is_bidi(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The characters of Unicode's bidirectional algorithm that only control it.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_on_its_line_and_reads_in_its_direction() {
        assert_eq!(one_line("Ada\r\n\r\nLovelace\t\u{7}!"), "Ada Lovelace !");
        assert_eq!(one_line("Ada\u{2028}Lovelace\u{85}x"), "Ada Lovelace x");
        assert_eq!(one_line("\u{202e}adA\u{202c}"), "adA");
        assert_eq!(one_line("🦀 <b>&\"'"), "🦀 <b>&\"'");
        assert_eq!(one_line("\n"), "");
    }
}
