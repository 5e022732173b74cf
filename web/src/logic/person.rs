//! How people without pictures are told apart.

use sotto_engine::ContactId;

/// One or two letters for an avatar; none when the name has no letters.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    let last = words.next_back();
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

/// One of twelve hues, in degrees, that stays with the contact. Only hues that are calm beside the page's own.
pub fn hue(id: ContactId) -> u16 {
    const HUES: [u16; 12] = [10, 38, 62, 95, 140, 165, 195, 225, 255, 285, 318, 345];
    // The id is a hash already; any part of it is as good as another.
    let [first, second, ..] = id.0;
    HUES.get(usize::from(u16::from_be_bytes([first, second])) % HUES.len()).copied().unwrap_or_default()
}

/// A name made of two words, picked by a number; the lists are separated by commas.
pub fn suggestion<'a>(adjectives: &'a str, animals: &'a str, number: u64) -> (&'a str, &'a str) {
    (pick(adjectives, number), pick(animals, number / 61))
}

fn pick(list: &str, number: u64) -> &str {
    let count = u64::try_from(list.split(',').count()).unwrap_or(1).max(1);
    usize::try_from(number % count)
        .ok()
        .and_then(|index| list.split(',').nth(index))
        .unwrap_or_default()
        .trim()
}

/// Keeps a name from turning the text around it when both stand in one string (Unicode isolates).
pub fn isolate(name: &str) -> String {
    format!("\u{2068}{name}\u{2069}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_first_and_last() {
        assert_eq!(initials("Anna"), "A");
        assert_eq!(initials("anna maria  schmidt"), "AS");
        assert_eq!(initials("  (Bob) "), "B");
        assert_eq!(initials("مريم علي"), "مع");
        assert_eq!(initials("🦊"), "");
        assert_eq!(initials(""), "");
    }

    #[test]
    fn suggestions_come_from_the_lists() {
        assert_eq!(suggestion("Quiet, Calm", "Heron,Otter", 0), ("Quiet", "Heron"));
        assert_eq!(suggestion("Quiet, Calm", "Heron,Otter", 61), ("Calm", "Otter"));
        assert_eq!(suggestion("", "", 5), ("", ""));
    }

    #[test]
    fn a_hue_stays_with_its_contact() {
        assert_eq!(hue(ContactId([7; 16])), hue(ContactId([7; 16])));
        let hues: std::collections::BTreeSet<u16> = (0..=255).map(|n| hue(ContactId([n; 16]))).collect();
        assert!(hues.len() > 6);
    }
}
