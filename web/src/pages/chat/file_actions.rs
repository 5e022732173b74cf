//! What can be done with a file, depending on how far it is.

use leptos::{prelude::*, task::spawn_local};
use reactive_stores::Store;
use sotto_browser::SaveOutcome;
use sotto_engine::{Command, ContactId, Content, FileId, FileState, Linking};

use crate::{
    components::{Glyph, Icon},
    i18n::*,
    state::{Message, MessageStoreFields, NoticeKind, Room, use_state},
};

/// How saving goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Saving {
    Idle,
    Busy,
    Done,
}

/// The buttons of a file's card.
#[component]
pub fn FileActions(
    contact: ContactId,
    message: Store<Message>,
    file: FileId,
    name: StoredValue<String>,
    state: Memo<FileState>,
) -> impl IntoView {
    let i18n = use_i18n();
    let app = use_state();
    let id = message.id().get_untracked();
    let mine = message.mine().get_untracked();
    // What does not fit is not begun: it would end in the middle.
    let accept = move |_| {
        let size = message.content().with_untracked(|content| match content {
            Content::File(file) => file.size,
            _ => 0,
        });
        spawn_local(async move {
            match Room::lacks(app.client, size).await {
                Some(lacking) => app.notices.say(NoticeKind::NoRoomFor(lacking)),
                None => app.client.send(Command::AcceptFile(contact, id)),
            }
        });
    };
    move || match (state.get(), mine) {
        (FileState::Offered, false) => view! {
            <div class="actions">
                <button
                    type="button"
                    class="button quiet"
                    data-testid="file-decline"
                    on:click=move |_| app.client.send(Command::DeclineFile(contact, id))
                >
                    {tu_string!(i18n, file.decline)}
                </button>
                // Without a link it could never begin: its card says so.
                <Show when=move || app.linking.get() == Linking::Possible>
                    <button
                        type="button"
                        class="button primary"
                        data-testid="file-accept"
                        on:click=accept
                    >
                        {tu_string!(i18n, file.accept)}
                    </button>
                </Show>
            </div>
        }
        .into_any(),
        (FileState::Offered, true) | (FileState::Accepted | FileState::Transferring, _) => {
            let offered = state.get_untracked() == FileState::Offered;
            view! {
                <div class="actions">
                    <button
                        type="button"
                        class="button quiet small-button"
                        data-testid="file-cancel"
                        on:click=move |_| app.client.send(Command::CancelFile(contact, id))
                    >
                        {if offered { t_string!(i18n, file.withdraw) } else { t_string!(i18n, file.cancel) }}
                    </button>
                </div>
            }
            .into_any()
        }
        (FileState::Verified, false) => view! { <Received contact=contact file=file name=name /> }.into_any(),
        _ => ().into_any(),
    }
}

/// A file that is on this device.
#[component]
fn Received(contact: ContactId, file: FileId, name: StoredValue<String>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let saving = RwSignal::new(Saving::Idle);
    let save = move |_| {
        let Some(sotto) = state.client.get().filter(|_| saving.get_untracked() != Saving::Busy) else {
            return;
        };
        saving.set(Saving::Busy);
        spawn_local(async move {
            let outcome = sotto.save_file(contact, file, &name.get_value()).await;
            saving.try_set(match outcome {
                Ok(SaveOutcome::Saved) => Saving::Done,
                Ok(SaveOutcome::DismissedByUser) | Err(_) => Saving::Idle,
            });
            if outcome.is_err() {
                state.notices.say(NoticeKind::SaveFailed);
            }
        });
    };
    view! {
        <div class="actions">
            <button
                type="button"
                class="icon-button plain-icon"
                data-testid="file-delete"
                aria-label=tu_string!(i18n, file.delete)
                title=tu_string!(i18n, file.delete)
                on:click=move |_| state.client.send(Command::DeleteFile(contact, file))
            >
                <Icon glyph=Glyph::Trash />
            </button>
            <button type="button" class="button primary" data-testid="file-save" on:click=save>
                <Icon glyph=Signal::derive(move || {
                    if saving.get() == Saving::Done { Glyph::Check } else { Glyph::Download }
                }) />
                <span aria-live="polite">
                    {move || match saving.get() {
                        Saving::Idle => t_string!(i18n, file.save),
                        Saving::Busy => t_string!(i18n, file.saving),
                        Saving::Done => t_string!(i18n, file.saved),
                    }}
                </span>
            </button>
        </div>
    }
}
