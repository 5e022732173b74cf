//! Where one writes. Focus, Enter and drafts behave as people expect on their kind of device.

use leptos::{ev::KeyboardEvent, html, prelude::*};
use reactive_stores::Store;
use sotto_browser::{pasted_files, picked_files, screen};
use sotto_engine::{Command, Standing};

use crate::{
    components::{Glyph, Icon},
    i18n::*,
    logic::person,
    pages::{can_move_files, can_receive, take_files},
    state::{Contact, ContactStoreFields, use_state},
    texts,
};

/// The field, or why there is none.
#[component]
pub fn Composer(contact: Store<Contact>) -> impl IntoView {
    let i18n = use_i18n();
    let standing = Memo::new(move |_| contact.standing().get());
    move || match standing.get() {
        Standing::AwaitingOurs => {
            view! { <p class="locked soft small">{tu_string!(i18n, chat.locked_ours)}</p> }.into_any()
        }
        Standing::Ended => {
            view! { <p class="locked soft small">{tu_string!(i18n, chat.locked_ended)}</p> }.into_any()
        }
        Standing::AwaitingTheirs | Standing::Confirmed => view! { <Field contact=contact /> }.into_any(),
    }
}

#[component]
fn Field(contact: Store<Contact>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let id = contact.id().get_untracked();
    let touch = screen::is_touch();
    let field = NodeRef::<html::Textarea>::new();
    let empty = Memo::new(move |_| state.drafts.is_empty(id));
    on_cleanup(move || state.drafts.keep(state.client));
    Effect::new(move |_| {
        // On a phone the keyboard would cover half of what is to be read first, unless one has come here to write.
        if let Some(field) = field.get()
            && (!touch || state.chat.is_fresh())
        {
            screen::focus(&field);
        }
    });

    let send = move || {
        if empty.get_untracked() {
            return;
        }
        // What cannot be sent comes back.
        let text = state.drafts.take(id);
        state.room.sent(id, &text);
        state.client.send(Command::SendText { contact: id, text });
        state.chat.follow();
        if let Some(field) = field.get_untracked() {
            screen::focus(&field);
        }
    };
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() && !touch {
            event.prevent_default();
            send();
        }
    };
    let label = move || {
        let name = person::isolate(&texts::name(i18n, contact.name().get()));
        t_string!(i18n, chat.write_to, name = name).to_string()
    };
    view! {
        <form
            class="composer"
            on:submit=move |event| {
                event.prevent_default();
                send();
            }
        >
            <Attach contact=contact />
            // The hidden copy of the text gives the field its height.
            <div class="grow-field" data-text=move || format!("{}\u{200b}", state.drafts.text(id))>
                <textarea
                    node_ref=field
                    rows="1"
                    dir="auto"
                    data-testid="composer"
                    autocomplete="off"
                    enterkeyhint=if touch { "enter" } else { "send" }
                    placeholder=tu_string!(i18n, chat.write)
                    aria-label=label
                    prop:value=move || state.drafts.text(id)
                    on:input=move |event| state.drafts.write(state.client, id, event_target_value(&event))
                    on:keydown=on_key
                    on:paste=move |event| {
                        let pasted = pasted_files(&event);
                        if !pasted.is_empty() {
                            event.prevent_default();
                            take_files(state, id, pasted);
                        }
                    }
                ></textarea>
            </div>
            <button
                type="submit"
                class="icon-button send"
                data-testid="send"
                aria-label=tu_string!(i18n, chat.send)
                // The keyboard stays open when a finger presses this.
                on:pointerdown=move |event| event.prevent_default()
                aria-disabled=move || empty.get().to_string()
            >
                <Icon glyph=Glyph::Send />
            </button>
        </form>
    }
}

#[component]
fn Attach(contact: Store<Contact>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let id = contact.id().get_untracked();
    let input = NodeRef::<html::Input>::new();
    let ready = Memo::new(move |_| can_receive(state, id));
    let label = move || {
        if ready.get() {
            t_string!(i18n, chat.attach).to_owned()
        } else {
            let name = person::isolate(&texts::name(i18n, contact.name().get()));
            t_string!(i18n, chat.files_wait, name = name).to_string()
        }
    };
    view! {
        <button
            type="button"
            class="icon-button attach"
            data-testid="attach"
            aria-label=label
            title=label
            prop:disabled=move || !ready.get()
            on:click=move |_| {
                if let Some(input) = input.get_untracked().filter(|_| can_move_files(state)) {
                    screen::click(&input);
                }
            }
        >
            <Icon glyph=Glyph::Attach />
        </button>
        <input
            node_ref=input
            type="file"
            multiple
            hidden
            data-testid="file-input"
            tabindex="-1"
            on:change=move |event| {
                take_files(state, id, picked_files(&event));
            }
        />
    }
}
