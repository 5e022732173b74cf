//! What is about to be sent, before it is.

use leptos::prelude::*;
use sotto_browser::PickedFile;
use sotto_engine::ContactId;

use crate::{
    components::{Dialog, Glyph, Icon},
    i18n::*,
    logic::person,
    pages::can_receive,
    state::{ContactStoreFields, Outgoing, Place, use_state},
    texts,
};

/// A sheet over the page while picked files wait for a word.
#[component]
pub fn FileSheet() -> impl IntoView {
    let state = use_state();
    // What waits for whoever comes by a link is offered once that conversation is on the screen, confirmed.
    Effect::new(move |_| {
        let Place::Chat(contact) = state.navigator.place() else { return };
        let Some(invite) = state.contacts.get(contact).and_then(|known| known.came_by().get()) else {
            return;
        };
        let free = state.outgoing.with(Option::is_none);
        if free && state.held.invites().contains(&invite) && can_receive(state, contact) {
            let files = state.held.take(invite);
            state.outgoing.set(Some(Outgoing { contact, files }));
        }
    });
    // A file left out is no other sheet.
    let contact = Memo::new(move |_| {
        state.outgoing.with(|outgoing| outgoing.as_ref().map(|outgoing| outgoing.contact))
    });
    move || contact.get().map(|contact| view! { <Sheet contact=contact /> })
}

#[component]
fn Sheet(contact: ContactId) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let name = Memo::new(move |_| texts::contact(i18n, state, contact));
    let close = move || state.outgoing.set(None);
    let send = move |_| {
        let outgoing = state.outgoing.try_update(Option::take).flatten();
        if let (Some(outgoing), Some(sotto)) = (outgoing, state.client.get()) {
            sotto.offer_files(contact, outgoing.files);
            state.chat.follow();
        }
    };
    let files = move || {
        state.outgoing.with(|outgoing| {
            let files = outgoing.as_ref().map(|outgoing| outgoing.files.clone()).unwrap_or_default();
            files.into_iter().enumerate().collect::<Vec<_>>()
        })
    };
    let total = move || {
        let files = files();
        let size = files.iter().fold(0_u64, |sum, (_, file)| sum.saturating_add(file.size));
        (files.len() > 1).then(|| {
            t_string!(i18n, file.sheet_total, count = files.len(), size = texts::size(i18n, size)).to_string()
        })
    };
    let leave_out = move |index: usize| {
        state.outgoing.update(|outgoing| {
            if let Some(held) = outgoing.as_mut().filter(|held| index < held.files.len()) {
                held.files.remove(index);
            }
            outgoing.take_if(|held| held.files.is_empty());
        });
    };
    view! {
        <Dialog
            title=move || t!(i18n, file.sheet_title, name = move || name.get(), <bdi> = <bdi dir="auto" />)
            on_close=move |()| close()
            test_id="file-sheet"
        >
            <ul class="sheet-files">
                {move || {
                    files()
                        .into_iter()
                        .map(|(index, file)| {
                            view! { <SheetFile file=file on_leave_out=move |()| leave_out(index) /> }
                        })
                        .collect_view()
                }}
            </ul>
            <p class="soft small">{total}</p>
            <p class="soft small">{tu_string!(i18n, file.sheet_hint)}</p>
            <div class="actions">
                <button type="button" class="button quiet" data-testid="sheet-cancel" on:click=move |_| close()>
                    {tu_string!(i18n, app.cancel)}
                </button>
                <button type="button" class="button primary" data-testid="sheet-send" autofocus on:click=send>
                    <Icon glyph=Glyph::Send />
                    {tu_string!(i18n, file.sheet_send)}
                </button>
            </div>
        </Dialog>
    }
}

#[component]
fn SheetFile(file: PickedFile, #[prop(into)] on_leave_out: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let size = file.size;
    let label = person::isolate(&file.name);
    view! {
        <li class="sheet-file" data-testid="sheet-file">
            <span class="file-icon" aria-hidden="true"><Icon glyph=Glyph::of_file(&file.mime) /></span>
            <div class="file-what">
                <p class="file-name"><bdi dir="auto">{file.name.clone()}</bdi></p>
                <p class="file-size">{texts::size(i18n, size)}</p>
            </div>
            <button
                type="button"
                class="icon-button"
                aria-label=tu_string!(i18n, file.sheet_remove, name = label).to_string()
                on:click=move |_| on_leave_out.run(())
            >
                <Icon glyph=Glyph::Close />
            </button>
        </li>
    }
}
