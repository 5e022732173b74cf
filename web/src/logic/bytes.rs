//! Amounts of data and time in the units people read.

/// An amount of data, with as many digits as are worth reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amount {
    Bytes(u64),
    Kilo(String),
    Mega(String),
    Giga(String),
}

/// Decimal units, as file managers and browsers show them.
pub fn amount(bytes: u64) -> Amount {
    match bytes {
        0..1_000 => Amount::Bytes(bytes),
        1_000..999_500 => Amount::Kilo(scaled(bytes, 1_000)),
        999_500..999_500_000 => Amount::Mega(scaled(bytes, 1_000_000)),
        _ => Amount::Giga(scaled(bytes, 1_000_000_000)),
    }
}

/// One digit after the point below ten, none above.
fn scaled(bytes: u64, unit: u64) -> String {
    let tenths = (u128::from(bytes) * 10 + u128::from(unit) / 2) / u128::from(unit);
    if tenths < 100 && !tenths.is_multiple_of(10) {
        format!("{}.{}", tenths / 10, tenths % 10)
    } else {
        ((u128::from(bytes) + u128::from(unit) / 2) / u128::from(unit)).to_string()
    }
}

/// A time left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    Seconds(u64),
    Minutes(u64),
    Hours { hours: u64, minutes: u64 },
}

/// Rounded up, and coarser the longer it is, so that it does not flicker.
pub fn left(seconds: u64) -> Left {
    match seconds {
        0..10 => Left::Seconds(seconds.max(1)),
        10..60 => Left::Seconds(seconds.div_ceil(5) * 5),
        60..3_600 => Left::Minutes(seconds.div_ceil(60)),
        _ => {
            let minutes = seconds.div_ceil(300) * 5;
            Left::Hours { hours: minutes / 60, minutes: minutes % 60 }
        }
    }
}

/// How much of the whole is done, in percent; an empty file is done at once.
pub fn percent(done: u64, whole: u64) -> u64 {
    if whole == 0 {
        100
    } else {
        u64::try_from(u128::from(done.min(whole)) * 100 / u128::from(whole)).unwrap_or(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_change_unit_where_the_digits_would_not_fit() {
        assert_eq!(amount(0), Amount::Bytes(0));
        assert_eq!(amount(999), Amount::Bytes(999));
        assert_eq!(amount(1_000), Amount::Kilo("1".into()));
        assert_eq!(amount(1_549), Amount::Kilo("1.5".into()));
        assert_eq!(amount(65_536), Amount::Kilo("66".into()));
        assert_eq!(amount(999_499), Amount::Kilo("999".into()));
        assert_eq!(amount(999_500), Amount::Mega("1".into()));
        assert_eq!(amount(104_857_600), Amount::Mega("105".into()));
        assert_eq!(amount(40_000_000_000), Amount::Giga("40".into()));
        assert_eq!(amount(u64::MAX), Amount::Giga("18446744074".into()));
    }

    #[test]
    fn nine_point_nine_five_is_ten() {
        assert_eq!(amount(9_949_999), Amount::Mega("9.9".into()));
        assert_eq!(amount(9_950_000), Amount::Mega("10".into()));
    }

    #[test]
    fn time_left_gets_coarser() {
        assert_eq!(left(0), Left::Seconds(1));
        assert_eq!(left(9), Left::Seconds(9));
        assert_eq!(left(11), Left::Seconds(15));
        assert_eq!(left(60), Left::Minutes(1));
        assert_eq!(left(61), Left::Minutes(2));
        assert_eq!(left(3_600), Left::Hours { hours: 1, minutes: 0 });
        assert_eq!(left(7_199), Left::Hours { hours: 2, minutes: 0 });
    }

    #[test]
    fn percent_never_leaves_its_range() {
        assert_eq!(percent(0, 0), 100);
        assert_eq!(percent(1, 3), 33);
        assert_eq!(percent(5, 3), 100);
        assert_eq!(percent(u64::MAX - 1, u64::MAX), 99);
    }
}
