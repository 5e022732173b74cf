//! A line above everything, while something concerns everything.

use leptos::prelude::*;
use sotto_engine::ServerStatus;

use crate::{
    components::{Glyph, Icon},
    i18n::*,
    state::use_state,
};

/// Says that this device is offline or refused.
#[component]
pub fn Banner() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let shown = Memo::new(move |_| match state.server.get() {
        status @ (ServerStatus::Offline | ServerStatus::Refused) => Some(status),
        _ => None,
    });
    view! {
        <div class="banner-place" role="status">
            {move || {
                shown
                    .get()
                    .map(|status| {
                        let (id, text) = if status == ServerStatus::Refused {
                            ("refused", t_string!(i18n, banner.refused))
                        } else {
                            ("offline", t_string!(i18n, banner.offline))
                        };
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
