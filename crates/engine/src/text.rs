//! Names from outside, made safe to show.

/// Characters that change the direction of the text around them (Unicode TR 9), and invisible ones used to deceive.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
}

/// A person's name: without control and bidi characters, one space between words.
pub(crate) fn clean_name(name: &str) -> String {
    let kept: String =
        name.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_deceptive(*c)).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A file's name: also without path separators, never empty, never a name for the directory itself.
pub(crate) fn clean_file_name(name: &str) -> String {
    let kept: String = name
        .chars()
        .filter(|c| !is_deceptive(*c) && !c.is_control())
        .map(|c| if matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') { '_' } else { c })
        .collect();
    let kept = kept.trim().trim_start_matches('.').trim();
    if kept.is_empty() { "file".to_owned() } else { kept.to_owned() }
}

/// The longest beginning of at most `max` bytes.
pub(crate) fn shorten(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn names_lose_what_deceives() {
        assert_eq!(clean_name(" Anna\u{202e} \n Lee\u{200f} "), "Anna Lee");
        assert_eq!(clean_file_name("../\u{202e}gpj.exe"), "_gpj.exe");
        assert_eq!(clean_file_name("..."), "file");
        assert_eq!(clean_file_name("a/b\\c\u{0}"), "a_b_c");
        assert_eq!(shorten("äöü", 3), "ä");
    }
}
