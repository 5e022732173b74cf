//! What is suggested beside a conversation: one thing at a time, each after something that makes it useful.

/// What may be suggested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suggestion {
    /// To have the browser keep the data.
    Persist,
    /// To compare safety numbers.
    Verify,
}

/// What stands beside a conversation now. What stood there stays while it is of use, whatever is said meanwhile, so that
/// nothing moves under a finger. `delivered` is the newest message known to be delivered; the one at which a suggestion
/// was last answered, `answered`, brings no other.
pub fn suggestion<T: PartialEq>(
    shown: Option<Suggestion>,
    delivered: Option<T>,
    answered: Option<T>,
    is_of_use: impl Fn(Suggestion) -> bool,
) -> Option<Suggestion> {
    if let Some(shown) = shown.filter(|shown| is_of_use(*shown)) {
        return Some(shown);
    }
    if delivered.is_none() || delivered == answered {
        return None;
    }
    [Suggestion::Persist, Suggestion::Verify].into_iter().find(|other| is_of_use(*other))
}

#[cfg(test)]
mod tests {
    use super::Suggestion::{Persist, Verify};
    use super::*;

    #[test]
    fn nothing_is_suggested_before_something_was_delivered() {
        assert_eq!(suggestion(None, None::<u32>, None, |_| true), None);
        assert_eq!(suggestion(None, Some(1), None, |_| true), Some(Persist));
        assert_eq!(suggestion(None, Some(1), None, |other| other == Verify), Some(Verify));
        assert_eq!(suggestion(None, Some(1), None, |_| false), None);
    }

    #[test]
    fn what_stands_there_stays() {
        assert_eq!(suggestion(Some(Verify), Some(2), Some(1), |_| true), Some(Verify));
        assert_eq!(suggestion(Some(Persist), None::<u32>, None, |_| true), Some(Persist));
    }

    #[test]
    fn the_next_waits_for_a_later_delivery() {
        let of_use = |other| other == Verify;
        assert_eq!(suggestion(Some(Persist), Some(1), Some(1), of_use), None);
        assert_eq!(suggestion(None, Some(1), Some(1), of_use), None);
        assert_eq!(suggestion(None, Some(2), Some(1), of_use), Some(Verify));
    }
}
