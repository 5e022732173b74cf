//! Small services of the page around the app.

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// How sharing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareOutcome {
    /// Handed to another app.
    Shared,
    /// The user closed the sheet.
    Dismissed,
    /// The browser could not.
    Failed,
}

fn left_by_boot_script() -> Option<JsValue> {
    Reflect::get(&js_sys::global(), &"__sotto".into()).ok()
}

/// The fragment of the address with which the page was opened, without `#`; once. The boot script has removed it
/// from the address bar and the history already.
#[must_use]
pub fn take_fragment() -> Option<String> {
    let left = left_by_boot_script()?;
    let fragment = Reflect::get(&left, &"fragment".into()).ok()?.as_string();
    // A frozen object keeps it; nothing else of the page reads it.
    let _ = Reflect::set(&left, &"fragment".into(), &JsValue::NULL);
    fragment.filter(|fragment| !fragment.is_empty())
}

/// The address of the worker's script, as the boot script knows it.
#[must_use]
pub fn worker_url() -> Option<String> {
    Reflect::get(&left_by_boot_script()?, &"worker".into()).ok()?.as_string()
}

/// The digest by which the browser checked this program's wasm, as in an `integrity` attribute.
#[must_use]
pub fn build() -> Option<String> {
    Reflect::get(&left_by_boot_script()?, &"build".into()).ok()?.as_string()
}

/// Copies a text to the clipboard; whether it worked. To be called in a user gesture.
pub async fn copy(text: &str) -> bool {
    let Some(window) = web_sys::window() else { return false };
    let clipboard: JsValue = window.navigator().clipboard().into();
    // Only a secure context has a clipboard.
    if clipboard.is_undefined() {
        return false;
    }
    JsFuture::from(clipboard.unchecked_into::<web_sys::Clipboard>().write_text(text)).await.is_ok()
}

/// Whether the browser can hand a text to other apps (Web Share).
#[must_use]
pub fn can_share() -> bool {
    web_sys::window()
        .and_then(|window| Reflect::get(&window.navigator(), &"share".into()).ok())
        .is_some_and(|share| share.is_function())
}

/// Opens the browser's share sheet. To be called in a user gesture, and only if [`can_share`].
pub async fn share(title: &str, text: &str, url: &str) -> ShareOutcome {
    let Some(window) = web_sys::window().filter(|_| can_share()) else { return ShareOutcome::Failed };
    let data = web_sys::ShareData::new();
    data.set_title(title);
    data.set_text(text);
    data.set_url(url);
    match JsFuture::from(window.navigator().share_with_data(&data)).await {
        Ok(_) => ShareOutcome::Shared,
        Err(error) if crate::js::name_of(&error) == "AbortError" => ShareOutcome::Dismissed,
        Err(_) => ShareOutcome::Failed,
    }
}

/// Sets the title of the page.
pub fn set_title(title: &str) {
    if let Some(document) = web_sys::window().and_then(|window| window.document()) {
        document.set_title(title);
    }
}

/// Whether the page runs in the web view of another app, whose storage does not last and which may forbid
/// downloads and WebRTC.
#[must_use]
pub fn in_app_browser() -> bool {
    web_sys::window()
        .and_then(|window| window.navigator().user_agent().ok())
        .is_some_and(|agent| is_in_app(&agent))
}

fn is_in_app(agent: &str) -> bool {
    const APPS: [&str; 14] = [
        "FBAN/",
        "FBAV/",
        "FB_IAB",
        "Instagram",
        " Line/",
        "MicroMessenger",
        "Twitter",
        "BytedanceWebview",
        "musical_ly",
        "Snapchat",
        "LinkedInApp",
        "Pinterest/",
        "GSA/",
        "; wv)",
    ];
    let on_ios = agent.contains("iPhone") || agent.contains("iPad");
    APPS.iter().any(|app| agent.contains(app))
        // Apps' web views on iOS do not call themselves Safari; every browser there does.
        || (on_ios && agent.contains("AppleWebKit") && !agent.contains("Safari/"))
}

#[cfg(test)]
mod tests {
    use super::is_in_app;

    #[test]
    fn web_views_of_apps_are_told_from_browsers() {
        for browser in [
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
            "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/134.0 Mobile/15E148 Safari/604.1",
        ] {
            assert!(!is_in_app(browser), "{browser}");
        }
        for app in [
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
            "Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/134.0 Mobile Safari/537.36",
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/134.0 Mobile Safari/537.36 Instagram 300.0",
        ] {
            assert!(is_in_app(app), "{app}");
        }
    }
}
