//! Things that happen to the page as a whole.

use std::{cell::Cell, rc::Rc};

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::DragEvent;

/// Listeners that are taken off when this is dropped.
#[derive(Debug, Default)]
pub struct Watch {
    _listeners: Vec<EventListener>,
}

/// Whether the main way of pointing is a finger.
#[must_use]
pub fn is_touch() -> bool {
    web_sys::window()
        .and_then(|window| window.match_media("(pointer: coarse)").ok()?)
        .is_some_and(|query| query.matches())
}

/// Whether the page is seen.
#[must_use]
pub fn is_visible() -> bool {
    web_sys::window().and_then(|window| window.document()).is_some_and(|document| !document.hidden())
}

/// Says when the page comes into view or leaves it.
pub fn on_visibility(told: impl Fn(bool) + 'static) -> Watch {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else {
        return Watch::default();
    };
    Watch { _listeners: vec![EventListener::new(&document, "visibilitychange", move |_| told(is_visible()))] }
}

/// Tells the styles, in `--keyboard`, how much of the page an on-screen keyboard covers. Browsers that make the page
/// itself smaller leave it at nothing.
pub fn on_keyboard() -> Watch {
    let Some(window) = web_sys::window() else { return Watch::default() };
    let Some(viewport) = window.visual_viewport() else { return Watch::default() };
    let measure = {
        let viewport = viewport.clone();
        move || {
            let whole = window.inner_height().ok().and_then(|height| height.as_f64()).unwrap_or_default();
            // Zoomed in, the smaller viewport is not a keyboard's doing.
            let zoomed = viewport.scale() > 1.01;
            let covered = if zoomed { 0.0 } else { (whole - viewport.height()).max(0.0).round() };
            let root = window.document().and_then(|document| document.document_element());
            if let Some(root) = root.and_then(|root| root.dyn_into::<web_sys::HtmlElement>().ok()) {
                // Without it the page is as it would be without this function.
                let _ = root.style().set_property("--keyboard", &format!("{covered}px"));
            }
            if covered > 0.0 {
                // Safari scrolls the page away to show the field, which is in view already.
                window.scroll_to_with_x_and_y(0.0, 0.0);
            }
        }
    };
    Watch { _listeners: vec![EventListener::new(&viewport, "resize", move |_| measure())] }
}

/// Says when a link was pasted over the address of the running page, also while it was still loading; the fragment is
/// taken out of the address.
pub fn on_fragment(told: impl Fn(String) + 'static) -> Watch {
    let Some(window) = web_sys::window() else { return Watch::default() };
    let look = {
        let window = window.clone();
        move || {
            let Ok(fragment) = window.location().hash() else { return };
            let fragment = fragment.trim_start_matches('#');
            if fragment.is_empty() {
                return;
            }
            if let (Ok(history), Ok(path)) = (window.history(), window.location().pathname()) {
                let state = history.state().unwrap_or_default();
                // Without this the secret would stay in the address bar; nothing else can be tried.
                let _ = history.replace_state_with_url(&state, "", Some(&path));
            }
            told(fragment.to_owned());
        }
    };
    look();
    let listener = EventListener::new(&window, "hashchange", move |_| look());
    Watch { _listeners: vec![listener] }
}

/// Makes the browser ask before the page is left.
#[must_use]
pub fn leave_guard() -> Watch {
    let Some(window) = web_sys::window() else { return Watch::default() };
    let options = EventListenerOptions::enable_prevent_default();
    let listener =
        EventListener::new_with_options(&window, "beforeunload", options, |event| event.prevent_default());
    Watch { _listeners: vec![listener] }
}

/// Says whether files are held over the page, and hands them over when they are let go.
pub fn on_drag(over: impl Fn(bool) + 'static, dropped: impl Fn(&DragEvent) + 'static) -> Watch {
    let Some(window) = web_sys::window() else { return Watch::default() };
    let over = Rc::new(over);
    // Every element on the way fires its own pair; only when all were left are the files gone.
    let depth = Rc::new(Cell::new(0_u32));
    let listen = |name: &'static str, act: Box<dyn Fn(&DragEvent)>| {
        EventListener::new_with_options(
            &window,
            name,
            EventListenerOptions::enable_prevent_default(),
            move |event| {
                if let Some(event) = event.dyn_ref::<DragEvent>()
                    && holds_files(event)
                {
                    event.prevent_default();
                    act(event);
                }
            },
        )
    };
    let enter = {
        let (depth, over) = (Rc::clone(&depth), Rc::clone(&over));
        listen(
            "dragenter",
            Box::new(move |_| {
                depth.set(depth.get().saturating_add(1));
                over(true);
            }),
        )
    };
    let leave = {
        let (depth, over) = (Rc::clone(&depth), Rc::clone(&over));
        listen(
            "dragleave",
            Box::new(move |_| {
                depth.set(depth.get().saturating_sub(1));
                over(depth.get() > 0);
            }),
        )
    };
    let stay = listen("dragover", Box::new(|_| {}));
    let drop = listen(
        "drop",
        Box::new(move |event| {
            depth.set(0);
            over(false);
            dropped(event);
        }),
    );
    Watch { _listeners: vec![enter, leave, stay, drop] }
}

fn holds_files(event: &DragEvent) -> bool {
    event.data_transfer().is_some_and(|held| held.types().includes(&"Files".into(), 0))
}
