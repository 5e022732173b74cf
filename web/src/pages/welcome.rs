//! The first visit, without a link.

use leptos::prelude::*;
use sotto_engine::Command;

use crate::{
    components::{Brand, Glyph, Icon, NameField, Pair, PasteLink},
    i18n::*,
    pages::create_link,
    state::{Place, use_state},
};

/// What this is, and the way in.
#[component]
pub fn Welcome() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let name = RwSignal::new(state.profile.with_untracked(|profile| profile.name.clone()));
    let create = move |_| {
        let name = name.get_untracked().trim().to_owned();
        if state.profile.with_untracked(|profile| profile.name != name) {
            state.client.send(Command::SetName(name));
        }
        create_link(state, Vec::new());
    };
    view! {
        <header class="bar bar-brand">
            <Brand />
            <button
                type="button"
                class="icon-button"
                data-testid="settings-open"
                aria-label=tu_string!(i18n, app.settings)
                on:click=move |_| state.navigator.go(Place::Settings)
            >
                <Icon glyph=Glyph::Sliders />
            </button>
        </header>
        <div class="page scroll" data-testid="welcome">
            <div class="column welcome">
                <Pair />
                <h1 class="title">{tu_string!(i18n, welcome.title)}</h1>
                <p class="lead">{tu_string!(i18n, welcome.what)}</p>
                <div class="panel">
                    <NameField
                        value=name
                        label=tu_string!(i18n, welcome.your_name)
                        hint=tu_string!(i18n, welcome.your_name_hint)
                    />
                    <button type="button" class="button primary wide" data-testid="create-link" on:click=create>
                        <Icon glyph=Glyph::Link />
                        {tu_string!(i18n, welcome.create)}
                    </button>
                    <p class="soft small center fine">{tu_string!(i18n, welcome.drop)}</p>
                </div>
                <ul class="points">
                    <li><Icon glyph=Glyph::Check />{tu_string!(i18n, welcome.points_account)}</li>
                    <li><Icon glyph=Glyph::Check />{tu_string!(i18n, welcome.points_server)}</li>
                    <li><Icon glyph=Glyph::Check />{tu_string!(i18n, welcome.points_files)}</li>
                </ul>
                <PasteLink />
            </div>
        </div>
    }
}
