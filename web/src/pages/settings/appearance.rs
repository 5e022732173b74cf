//! Light or dark.

use leptos::prelude::*;
use sotto_browser::screen::{self, Theme};

use crate::i18n::*;

/// Light, dark, or as the system.
#[component]
pub fn Appearance() -> impl IntoView {
    let i18n = use_i18n();
    let theme = RwSignal::new(screen::theme());
    let choice = move |this: Theme, test_id: &'static str, label: &'static str| {
        view! {
            <label class="segment">
                <input
                    type="radio"
                    name="theme"
                    data-testid=test_id
                    prop:checked=move || theme.get() == this
                    on:change=move |_| {
                        theme.set(this);
                        screen::remember_theme(this);
                    }
                />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <section class="section">
            <fieldset>
                <legend><h2>{tu_string!(i18n, settings.appearance)}</h2></legend>
                <div class="segments">
                    {choice(Theme::Auto, "theme-auto", tu_string!(i18n, settings.theme_auto))}
                    {choice(Theme::Light, "theme-light", tu_string!(i18n, settings.theme_light))}
                    {choice(Theme::Dark, "theme-dark", tu_string!(i18n, settings.theme_dark))}
                </div>
            </fieldset>
        </section>
    }
}
