//! How much room is left, and when to say so.

use sotto_browser::StorageEstimate;

const MIB: u64 = 1 << 20;
/// Room below which it is said before anything is refused.
const LOW: u64 = 64 * MIB;
/// What a file must leave: messages go on being stored.
const RESERVE: u64 = 8 * MIB;

/// How much is left, in bytes; `None` where the browser does not say.
pub fn left(estimate: StorageEstimate) -> Option<u64> {
    (estimate.quota > 0).then(|| estimate.quota.saturating_sub(estimate.used))
}

/// How much is left, if that is little.
pub fn little(estimate: StorageEstimate) -> Option<u64> {
    left(estimate).filter(|left| *left < LOW)
}

/// How much room a file of this size lacks; `None` if it fits, as far as the browser says.
pub fn lacks(estimate: StorageEstimate, size: u64) -> Option<u64> {
    let lacking = size.saturating_add(RESERVE).saturating_sub(left(estimate)?);
    (lacking > 0).then_some(lacking)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(used: u64, quota: u64) -> StorageEstimate {
        StorageEstimate { used, quota, files: None, persisted: false, private: false }
    }

    #[test]
    fn little_room_is_told_before_none_is_left() {
        assert_eq!(little(estimate(0, 1 << 40)), None);
        assert_eq!(little(estimate(10 * MIB, 74 * MIB)), None);
        assert_eq!(little(estimate(10 * MIB + 1, 74 * MIB)), Some(64 * MIB - 1));
        assert_eq!(little(estimate(5, 3)), Some(0), "used may be more than is allowed");
        assert_eq!(little(estimate(5, 0)), None, "nothing is known");
    }

    #[test]
    fn a_file_fits_if_messages_can_go_on_behind_it() {
        assert_eq!(lacks(estimate(0, 100 * MIB), 92 * MIB), None);
        assert_eq!(lacks(estimate(0, 100 * MIB), 92 * MIB + 1), Some(1));
        assert_eq!(lacks(estimate(0, 100 * MIB), u64::MAX), Some(u64::MAX - 100 * MIB));
        assert_eq!(lacks(estimate(7, 0), u64::MAX), None, "nothing is known");
    }
}
