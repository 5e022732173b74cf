//! Small acts on elements.

use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, HtmlDialogElement, HtmlElement, HtmlInputElement, HtmlTextAreaElement};

fn document() -> Option<Document> {
    web_sys::window()?.document()
}

/// Where the app is put: the element with the id `app`, or the body.
#[must_use]
pub fn mount_point() -> Option<HtmlElement> {
    let document = document()?;
    document.get_element_by_id("app").and_then(|root| root.dyn_into().ok()).or_else(|| document.body())
}

/// Removes the static shell, now that the app is there.
pub fn remove_shell() {
    if let Some(shell) = document().and_then(|document| document.get_element_by_id("shell")) {
        shell.remove();
    }
}

/// Says in which language and direction the page is.
pub fn set_language(language: &str, right_to_left: bool) {
    if let Some(root) = document().and_then(|document| document.document_element()) {
        // These two attributes always exist.
        let _ = root.set_attribute("lang", language);
        let _ = root.set_attribute("dir", if right_to_left { "rtl" } else { "ltr" });
    }
}

/// Shows the static page for crashes, through the boot script: the app itself can do nothing any more.
pub fn report_crash(report: &str) {
    let fail = Reflect::get(&js_sys::global(), &"__sotto".into())
        .and_then(|kept| Reflect::get(&kept, &"fail".into()))
        .ok()
        .and_then(|fail| fail.dyn_into::<Function>().ok());
    if let Some(fail) = fail {
        // There is nowhere left to report a failure of this.
        let _ = fail.call1(&JsValue::UNDEFINED, &JsValue::from_str(report));
    }
}

/// Puts the focus on an element, without scrolling.
pub fn focus(element: &HtmlElement) {
    let options = web_sys::FocusOptions::new();
    options.set_prevent_scroll(true);
    // An element that cannot be focused leaves the focus where it is.
    let _ = element.focus_with_options(&options);
}

/// Puts the focus on the element with this id, where there is one.
pub fn focus_id(id: &str) {
    if let Some(element) = document().and_then(|document| document.get_element_by_id(id))
        && let Some(element) = element.dyn_ref::<HtmlElement>()
    {
        focus(element);
    }
}

/// Presses an element, such as a hidden file field.
pub fn click(element: &HtmlElement) {
    element.click();
}

/// Selects all text of a field.
pub fn select_text(element: &HtmlElement) {
    if let Some(field) = element.dyn_ref::<HtmlInputElement>() {
        field.select();
    } else if let Some(field) = element.dyn_ref::<HtmlTextAreaElement>() {
        field.select();
    }
}

/// Scrolls just enough that the element is seen.
pub fn bring_into_view(element: &Element) {
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Center);
    element.scroll_into_view_with_scroll_into_view_options(&options);
}

/// Loads the page again.
pub fn reload() {
    if let Some(window) = web_sys::window() {
        // Nothing can be done where the browser refuses.
        let _ = window.location().reload();
    }
}

/// A `<dialog>` above everything else; the browser keeps the focus inside. Closed when this is dropped: the focus is then
/// where it was before.
#[derive(Debug)]
pub struct OpenDialog(HtmlDialogElement);

impl OpenDialog {
    /// Opens it; `None` for another kind of element.
    #[must_use]
    pub fn open(element: &HtmlElement) -> Option<Self> {
        let dialog = element.dyn_ref::<HtmlDialogElement>()?;
        // One that is open already stays open.
        let _ = dialog.show_modal();
        Some(Self(dialog.clone()))
    }

    /// Whether the browser has closed it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !self.0.open()
    }
}

impl Drop for OpenDialog {
    fn drop(&mut self) {
        // An element that is only taken out of the page gives nothing back.
        self.0.close();
    }
}

/// Puts the focus on the first of these that is shown, unless it is inside the last of them already. Selectors as in CSS.
pub fn enter(selectors: &[&str]) {
    let Some(document) = document() else { return };
    let find = |selector: &&str| document.query_selector(selector).ok().flatten();
    let inside = selectors.last().and_then(find);
    if inside.is_some_and(|inside| inside.contains(document.active_element().as_deref())) {
        return;
    }
    // What has just been hidden keeps the focus until the next painting.
    let shown = selectors
        .iter()
        .filter_map(find)
        .filter_map(|element| element.dyn_into::<HtmlElement>().ok())
        .find(|element| element.offset_width() > 0);
    if let Some(element) = shown {
        focus(&element);
    }
}

/// The address of this page with a fragment, to open it elsewhere.
#[must_use]
pub fn address_with(fragment: &str) -> Option<String> {
    let location = web_sys::window()?.location();
    Some(format!("{}{}#{fragment}", location.origin().ok()?, location.pathname().ok()?))
}

/// Scrolls to the element with this id; whether there is one.
#[must_use]
pub fn show_id(id: &str) -> bool {
    let element = document().and_then(|document| document.get_element_by_id(id));
    if let Some(element) = &element {
        bring_into_view(element);
    }
    element.is_some()
}
