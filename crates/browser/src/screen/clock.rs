//! The clock and how it is written here.

use js_sys::{Array, Date, Intl::DateTimeFormat, Object, Reflect};
use sotto_engine::Timestamp;
use wasm_bindgen::JsValue;

/// This device's clock.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp(whole(Date::now()))
}

/// By how many minutes local time was ahead of UTC at that moment.
#[must_use]
pub fn utc_offset_minutes(at: Timestamp) -> i64 {
    let west = date(at).get_timezone_offset();
    if west < 0.0 {
        i64::try_from(whole(-west)).unwrap_or(0)
    } else {
        -i64::try_from(whole(west)).unwrap_or(0)
    }
}

/// The time of day, such as `14:05` or `2:05 PM`, as people of this language write it.
#[must_use]
pub fn format_time(at: Timestamp, language: &str) -> String {
    format(at, language, &[("hour", "numeric"), ("minute", "2-digit")])
}

/// The date, such as `Monday, 3 March`; with the year where `with_year`.
#[must_use]
pub fn format_date(at: Timestamp, language: &str, with_year: bool, short: bool) -> String {
    let mut options = vec![("day", "numeric"), ("month", if short { "short" } else { "long" })];
    if !short {
        options.push(("weekday", "long"));
    }
    if with_year {
        options.push(("year", "numeric"));
    }
    format(at, language, &options)
}

fn format(at: Timestamp, language: &str, parts: &[(&str, &str)]) -> String {
    let options = Object::new();
    for (part, style) in parts {
        // A plain object takes any property.
        let _ = Reflect::set(&options, &JsValue::from_str(part), &JsValue::from_str(style));
    }
    // The browser's own list first: it knows whether this reader writes 14:05 or 2:05 PM.
    let locales = Array::new();
    if let Some(preferred) = web_sys::window().and_then(|window| window.navigator().language())
        && preferred.starts_with(language)
    {
        locales.push(&JsValue::from_str(&preferred));
    }
    locales.push(&JsValue::from_str(language));
    DateTimeFormat::new(&locales, &options)
        .format()
        .call1(&JsValue::UNDEFINED, &date(at))
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}

fn date(at: Timestamp) -> Date {
    #[expect(clippy::as_conversions, reason = "milliseconds are exact in an f64 until the year 287396")]
    Date::new(&JsValue::from_f64(at.0 as f64))
}

fn whole(number: f64) -> u64 {
    #[expect(clippy::as_conversions, reason = "`as` saturates, and NaN becomes zero")]
    let whole = number as u64;
    whole
}
