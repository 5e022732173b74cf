//! Texts with links that can be followed. Made of parsed parts, never of markup.

use leptos::prelude::*;

use crate::{
    components::{Glyph, Icon},
    i18n::*,
    logic::links::{self, Part},
};

/// A text as its author wrote it.
#[component]
pub fn RichText(text: String) -> impl IntoView {
    let i18n = use_i18n();
    links::parts(&text)
        .into_iter()
        .map(|part| match part {
            Part::Text(text) => text.into_any(),
            Part::Link { url, odd } => {
                let address = url.clone();
                view! {
                <a href=address target="_blank" rel="noopener noreferrer nofollow">{url}</a>
                {odd
                    .then(|| {
                        view! {
                            <span class="odd" role="img" title=tu_string!(i18n, chat.odd_address) aria-label=tu_string!(i18n, chat.odd_address)>
                                <Icon glyph=Glyph::Warning />
                            </span>
                        }
                    })}
            }
            .into_any()
            }
        })
        .collect_view()
}
