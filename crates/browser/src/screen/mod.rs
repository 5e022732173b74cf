//! What the page needs of the browser around it: scrolling, history, local time, appearance. No component touches
//! `web-sys` itself.

mod clock;
mod dom;
mod history;
mod look;
mod scroll;
mod watch;

pub use clock::{format_date, format_time, now, utc_offset_minutes};
pub use dom::{
    OpenDialog, address_with, bring_into_view, click, enter, focus, focus_id, mount_point, reload,
    remove_shell, report_crash, select_text, set_language, show_id,
};
pub use history::{History, HistoryState};
pub use look::{Theme, hint_given, remember_hint, remember_theme, theme};
pub use scroll::{Scroll, ScrollPosition};
pub use watch::{Watch, is_touch, is_visible, leave_guard, on_drag, on_fragment, on_keyboard, on_visibility};
