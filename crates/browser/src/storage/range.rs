//! Ranges of keys, which are compared byte by byte.

/// Keys from `lower` to below `upper`; without `upper`, to the end of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRange {
    pub(crate) lower: Vec<u8>,
    pub(crate) upper: Option<Vec<u8>>,
}

impl KeyRange {
    /// Every key.
    pub(crate) fn all() -> Self {
        Self { lower: Vec::new(), upper: None }
    }

    /// Keys that begin with `prefix` and, if given, are smaller than `before`.
    pub(crate) fn with_prefix(prefix: Vec<u8>, before: Option<Vec<u8>>) -> Self {
        let upper = match (successor(&prefix), before) {
            (Some(end), Some(before)) => Some(end.min(before)),
            (end, before) => end.or(before),
        };
        Self { lower: prefix, upper }
    }

    /// Whether no key can lie in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.upper.as_ref().is_some_and(|upper| *upper <= self.lower)
    }
}

/// The smallest key greater than all that begin with `prefix`; none when they reach to the end of all keys.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::KeyRange;

    fn holds(range: &KeyRange, key: &[u8]) -> bool {
        range.lower.as_slice() <= key && range.upper.as_ref().is_none_or(|upper| key < upper.as_slice())
    }

    #[test]
    fn holds_what_begins_with_the_prefix_and_nothing_else() {
        let range = KeyRange::with_prefix(vec![7, 255], None);
        assert!(holds(&range, &[7, 255]) && holds(&range, &[7, 255, 255, 255]));
        assert!(!holds(&range, &[8]) && !holds(&range, &[7, 254, 255]));
        assert!(holds(&KeyRange::with_prefix(vec![255, 255], None), &[255, 255, 255]));
        assert!(!holds(&KeyRange::with_prefix(vec![255, 255], None), &[255, 254]));
    }

    #[test]
    fn before_cuts_it() {
        let range = KeyRange::with_prefix(vec![7], Some(vec![7, 3]));
        assert!(holds(&range, &[7, 2, 255]) && !holds(&range, &[7, 3]));
        assert_eq!(KeyRange::with_prefix(vec![7], Some(vec![9])).upper, Some(vec![8]));
        assert!(KeyRange::with_prefix(vec![7], Some(vec![6])).is_empty());
        assert!(KeyRange::with_prefix(vec![7], Some(vec![7])).is_empty());
        assert!(!KeyRange::all().is_empty());
    }
}
