//! What stands in the way of talking, and the step out of it.

use leptos::prelude::*;
use reactive_stores::Store;
use sotto_engine::{Command, Standing};

use crate::{
    components::Confirm,
    i18n::*,
    state::{Contact, ContactStoreFields, use_state},
    texts,
};

/// Asks whether the one who came by our link is the one who was meant.
#[component]
pub fn StandingBanner(contact: Store<Contact>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let id = contact.id().get_untracked();
    let rejecting = RwSignal::new(false);
    let awaited = Memo::new(move |_| contact.standing().get() == Standing::AwaitingOurs);
    let name = move || texts::name(i18n, contact.name().get());
    view! {
        <Show when=move || awaited.get()>
            <section class="confirm" data-testid="confirm-banner" aria-labelledby="confirm-question">
                <p class="confirm-question" id="confirm-question">
                    {t!(i18n, chat.confirm_question, name = name, <bdi> = <bdi dir="auto" />)}
                </p>
                <p class="soft small">{tu_string!(i18n, chat.confirm_hint)}</p>
                <div class="actions">
                    <button
                        type="button"
                        class="button quiet"
                        data-testid="reject-contact"
                        on:click=move |_| rejecting.set(true)
                    >
                        {tu_string!(i18n, chat.reject)}
                    </button>
                    <button
                        type="button"
                        class="button primary"
                        data-testid="confirm-contact"
                        on:click=move |_| state.client.send(Command::ConfirmContact(id))
                    >
                        {tu_string!(i18n, chat.confirm)}
                    </button>
                </div>
            </section>
        </Show>
        <Show when=move || rejecting.get()>
            <Confirm
                title=move || t!(i18n, chat.reject_title)
                text=tu_string!(i18n, chat.reject_text)
                action=tu_string!(i18n, chat.reject)
                on_yes=move |()| {
                    rejecting.set(false);
                    state.client.send(Command::RemoveContact(id));
                }
                on_close=move |()| rejecting.set(false)
                test_id="reject-dialog"
                yes_id="reject-confirm"
                no_id="reject-cancel"
            />
        </Show>
    }
}
