//! A line above everything, while something concerns everything.

use leptos::prelude::*;
use sotto_engine::ServerStatus;

use crate::{
    components::{Glyph, Icon},
    i18n::*,
    state::use_state,
};

/// Says that this device is offline or refused, or the server out of reach.
#[component]
pub fn Banner() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let shown = Memo::new(move |_| match state.server.get() {
        ServerStatus::Offline => Some(("offline", t_string!(i18n, banner.offline))),
        ServerStatus::Unreachable => Some(("unreachable", t_string!(i18n, banner.unreachable))),
        ServerStatus::Refused => Some(("refused", t_string!(i18n, banner.refused))),
        ServerStatus::Connected | ServerStatus::Connecting | ServerStatus::Displaced => None,
    });
    view! {
        <div class="banner-place" role="status">
            {move || {
                shown
                    .get()
                    .map(|(id, text)| {
                        view! {
                            <p class="banner" data-testid=id>
                                <Icon glyph=Glyph::Warning />
                                <span>{text}</span>
                            </p>
                        }
                    })
            }}
        </div>
    }
}
