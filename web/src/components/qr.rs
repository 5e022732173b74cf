//! QR codes: always dark on white, whatever the appearance, or cameras do not read them.

use leptos::prelude::*;
use sotto_browser::qr_path;

/// A QR code with an accessible name; nothing where there is too much data for one.
#[component]
pub fn Qr(#[prop(into)] data: Signal<Vec<u8>>, label: &'static str, test_id: &'static str) -> impl IntoView {
    move || {
        qr_path(data.get()).ok().map(|image| {
            let size = image.size;
            view! {
                <svg
                    class="qr"
                    data-testid=test_id
                    role="img"
                    aria-label=label
                    viewBox=format!("0 0 {size} {size}")
                    shape-rendering="crispEdges"
                >
                    <path d=image.path />
                </svg>
            }
        })
    }
}
