//! The page.

mod app;
mod components;
mod logic;
mod pages;
mod state;
mod texts;

// The typed texts, made from `locales/` by the build script.
include!(concat!(env!("OUT_DIR"), "/i18n/mod.rs"));

fn main() {
    std::panic::set_hook(Box::new(|info| {
        // Where it was, never what was on the screen: the message of a panic of ours holds no content.
        sotto_browser::screen::report_crash(&format!("Sotto {}\n{info}", env!("CARGO_PKG_VERSION")));
    }));
    if let Some(place) = sotto_browser::screen::mount_point() {
        leptos::mount::mount_to(place, app::App).forget();
    }
}
