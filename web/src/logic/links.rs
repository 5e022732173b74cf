//! Texts, taken apart into what is shown plainly and what can be followed.

use linkify::{LinkFinder, LinkKind};

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Shown as it is.
    Text(String),
    /// An address, shown as it is and followed on request.
    Link {
        /// The address.
        url: String,
        /// Its host is written with letters that can be mistaken for others.
        odd: bool,
    },
}

/// Takes a text apart. The parts together are the text.
pub fn parts(text: &str) -> Vec<Part> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    finder
        .spans(text)
        .map(|span| match span.kind() {
            Some(LinkKind::Url) if is_web(span.as_str()) => {
                Part::Link { url: span.as_str().to_owned(), odd: is_odd(span.as_str()) }
            }
            _ => Part::Text(span.as_str().to_owned()),
        })
        .collect()
}

fn is_web(url: &str) -> bool {
    let scheme = url.split("://").next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
}

/// Browsers show some such hosts as punycode and some not; a name before an `@` looks like a host as well.
fn is_odd(url: &str) -> bool {
    let authority = url.split("://").nth(1).unwrap_or_default();
    let authority = authority.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    authority.contains('@')
        || !authority.is_ascii()
        || authority
            .split('.')
            .any(|label| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--")))
}

/// Whether a text is so few emoji, and nothing else, that they are shown large.
pub fn is_emoji_only(text: &str) -> bool {
    let mut seen = 0;
    let mut joined = false;
    for character in text.chars() {
        match u32::from(character) {
            // Zero-width joiner: the next one belongs to the last.
            0x200D => joined = true,
            // Variation selectors, skin tones, keycap.
            0xFE0E | 0xFE0F | 0x1F3FB..=0x1F3FF | 0x20E3 => {}
            0x2190..=0x2BFF | 0x1F000..=0x1FAFF => {
                if !joined {
                    seen += 1;
                }
                joined = false;
            }
            _ => return false,
        }
    }
    // A flag is two characters.
    (1..=6).contains(&seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(url: &str) -> Part {
        Part::Link { url: url.into(), odd: false }
    }

    #[test]
    fn links_are_found_and_the_rest_is_kept() {
        let parsed = parts("see https://example.org/a_(b)?c=d, or (http://example.com).");
        assert_eq!(
            parsed,
            [
                Part::Text("see ".into()),
                link("https://example.org/a_(b)?c=d"),
                Part::Text(", or (".into()),
                link("http://example.com"),
                Part::Text(").".into()),
            ]
        );
    }

    #[test]
    fn only_the_web_can_be_followed() {
        for text in [
            "javascript://example.org/%0aalert(1)",
            "file:///etc/passwd",
            "data:text/html,x",
            "www.example.org",
            "a@b.org",
        ] {
            assert!(parts(text).iter().all(|part| matches!(part, Part::Text(_))), "{text}");
        }
    }

    #[test]
    fn misleading_hosts_are_marked() {
        for url in ["https://аpple.com/", "https://xn--pple-43d.com/", "https://bank.example@evil.example/"]
        {
            assert!(matches!(parts(url).as_slice(), [Part::Link { odd: true, .. }]), "{url}");
        }
        assert!(matches!(parts("https://example.org/ü@x").as_slice(), [Part::Link { odd: false, .. }]));
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(parts("<b>x</b>"), [Part::Text("<b>x</b>".into())]);
    }

    #[test]
    fn few_emoji_are_large() {
        assert!(is_emoji_only("👋🏽"));
        assert!(is_emoji_only("👩‍👩‍👧‍👦❤️"));
        assert!(is_emoji_only("🇩🇪"));
        assert!(!is_emoji_only("ok 👍"));
        assert!(!is_emoji_only(""));
        assert!(!is_emoji_only("👍👍👍👍👍👍👍"));
        assert!(!is_emoji_only("42"));
    }
}
