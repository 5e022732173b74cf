//! Questions above the page. The browser keeps the focus inside and closes them on Esc.

use leptos::{html, prelude::*};
use sotto_browser::screen;

use crate::{
    components::{Glyph, Icon},
    i18n::*,
};

/// A dialog that is open as long as it is rendered.
#[component]
pub fn Dialog(
    #[prop(into)] title: ViewFn,
    #[prop(into)] on_close: Callback<()>,
    test_id: &'static str,
    children: Children,
) -> impl IntoView {
    let i18n = use_i18n();
    let node = NodeRef::<html::Dialog>::new();
    let open = StoredValue::new_local(None::<screen::OpenDialog>);
    Effect::new(move |_| {
        if let Some(dialog) = node.get() {
            open.set_value(screen::OpenDialog::open(&dialog));
        }
    });
    view! {
        <dialog
            node_ref=node
            class="dialog"
            data-testid=test_id
            aria-labelledby="dialog-title"
            // What is pressed in here does not concern the page below.
            on:keydown=move |event| event.stop_propagation()
            on:cancel=move |event: leptos::ev::Event| {
                event.prevent_default();
                on_close.run(());
            }
            // The browser closed it, and not the end of what is in here.
            on:close=move |_| {
                let closed =
                    open.try_with_value(|open| open.as_ref().is_some_and(screen::OpenDialog::is_closed));
                if closed == Some(true) {
                    on_close.run(());
                }
            }
        >
            <header class="dialog-head">
                <h2 id="dialog-title">{title.run()}</h2>
                <button
                    type="button"
                    class="icon-button"
                    aria-label=tu_string!(i18n, app.close)
                    on:click=move |_| on_close.run(())
                >
                    <Icon glyph=Glyph::Close />
                </button>
            </header>
            {children()}
        </dialog>
    }
}

/// A dialog that asks before something is lost.
#[component]
pub fn Confirm(
    #[prop(into)] title: ViewFn,
    text: &'static str,
    action: &'static str,
    #[prop(into)] on_yes: Callback<()>,
    #[prop(into)] on_close: Callback<()>,
    test_id: &'static str,
    yes_id: &'static str,
    no_id: &'static str,
) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <Dialog title=title on_close=on_close test_id=test_id>
            <p>{text}</p>
            <div class="actions">
                <button type="button" class="button quiet" data-testid=no_id on:click=move |_| on_close.run(())>
                    {tu_string!(i18n, app.cancel)}
                </button>
                <button type="button" class="button danger" data-testid=yes_id on:click=move |_| on_yes.run(())>
                    {action}
                </button>
            </div>
        </Dialog>
    }
}
