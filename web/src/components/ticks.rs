//! How far a message got.

use leptos::prelude::*;
use sotto_engine::Delivery;

use crate::{
    components::{Glyph, Icon},
    i18n::*,
};

/// An icon with an accessible name; nothing for messages of the other.
#[component]
pub fn Ticks(#[prop(into)] delivery: Signal<Delivery>) -> impl IntoView {
    let i18n = use_i18n();
    move || {
        let (class, glyph, label) = match delivery.get() {
            Delivery::Incoming => return None,
            Delivery::Waiting => ("ticks waiting", Glyph::Clock, t_string!(i18n, delivery.waiting)),
            Delivery::Sent => ("ticks sent", Glyph::Check, t_string!(i18n, delivery.sent)),
            Delivery::Delivered => {
                ("ticks delivered", Glyph::DoubleCheck, t_string!(i18n, delivery.delivered))
            }
            Delivery::Undeliverable => ("ticks bad", Glyph::Warning, t_string!(i18n, delivery.undeliverable)),
        };
        Some(view! { <span class=class role="img" aria-label=label title=label><Icon glyph=glyph /></span> })
    }
}
