//! What protects what, and what does not.

use leptos::prelude::*;
use sotto_browser::page;

use crate::i18n::*;

/// Plain words about protection, and the version.
#[component]
pub fn About() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <section class="section" data-testid="about">
            <h2>{tu_string!(i18n, settings.about)}</h2>
            <ul class="plain-list">
                <li>{tu_string!(i18n, settings.about_e2e)}</li>
                <li>{tu_string!(i18n, settings.about_link)}</li>
                <li>{tu_string!(i18n, settings.about_rest)}</li>
            </ul>
            <h3>{tu_string!(i18n, settings.about_not)}</h3>
            <ul class="plain-list">
                <li>{tu_string!(i18n, settings.about_not_device)}</li>
                <li>{tu_string!(i18n, settings.about_not_meta)}</li>
                <li>{tu_string!(i18n, settings.about_not_page)}</li>
                <li>{tu_string!(i18n, settings.about_not_copy)}</li>
            </ul>
            <p class="soft small" data-testid="version">
                {tu_string!(i18n, settings.version, version = env!("CARGO_PKG_VERSION")).to_string()}
            </p>
            {page::build()
                .map(|build| {
                    view! {
                        <p class="soft small">
                            {tu_string!(i18n, settings.build)} " "
                            <code class="mono build" dir="ltr" data-testid="build">{build}</code>
                        </p>
                    }
                })}
        </section>
    }
}
