//! What a conversation's row in the list says of its newest entry.

use sotto_engine::{Content, Milestone};

/// Longest text worth handing to a row, in characters: it shows one line.
const LONGEST: usize = 160;

/// The newest entry, as a row tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Last {
    /// Something was said.
    Text(String),
    /// A file of this name was offered.
    File(String),
    /// The contact has another list of devices.
    DevicesChanged,
    /// Something was said that only a newer version can show.
    Newer,
    /// Nothing was said since the two met.
    Nothing,
}

/// What the newest entry is told as.
pub fn last(content: Option<&Content>) -> Last {
    match content {
        Some(Content::Text(text)) => Last::Text(text.chars().take(LONGEST).collect()),
        Some(Content::File(file)) => Last::File(file.name.clone()),
        Some(Content::Milestone(Milestone::DevicesChanged)) => Last::DevicesChanged,
        Some(Content::Milestone(Milestone::Newer)) => Last::Newer,
        None | Some(Content::Gap { .. } | Content::Milestone(_) | Content::Unreadable) => Last::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_devices_and_what_is_newer_are_not_told_as_a_conversation_without_words() {
        let milestone = |milestone| last(Some(&Content::Milestone(milestone)));
        assert_eq!(milestone(Milestone::DevicesChanged), Last::DevicesChanged);
        assert_eq!(milestone(Milestone::Newer), Last::Newer);
        assert_eq!(milestone(Milestone::Confirmed), Last::Nothing);
        assert_eq!(last(None), Last::Nothing);
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(last(Some(&Content::Text("é".repeat(500)))), Last::Text("é".repeat(LONGEST)));
    }
}
