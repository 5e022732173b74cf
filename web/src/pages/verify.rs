//! The safety number: digits and QR code on one card, one sentence, one switch.

use leptos::prelude::*;
use sotto_engine::{Command, ContactId};

use crate::{
    components::{Bar, Qr, Switch},
    i18n::*,
    state::{ContactStoreFields, Safety, use_state},
    texts,
};

/// The safety number with a contact.
#[component]
pub fn VerifyPage(contact: ContactId) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    state.client.send(Command::ShowSafetyNumber(contact));
    let safety = Memo::new(move |_| state.safety.get().filter(|safety| safety.contact == contact));
    let name = Memo::new(move |_| texts::contact(i18n, state, contact));
    view! {
        <Bar title=move || t!(i18n, verify.title, name = move || name.get(), <bdi> = <bdi dir="auto" />) />
        <div class="page scroll">
            <div class="column verify" data-testid="verify">
                <p class="lead center">{tu_string!(i18n, verify.lead)}</p>
                {move || match safety.get() {
                    Some(safety) => view! { <Number safety=safety /> }.into_any(),
                    None => view! { <p class="soft center" role="status">{tu_string!(i18n, verify.computing)}</p> }.into_any(),
                }}
                <VerifiedSwitch contact=contact />
                <p class="soft small">{tu_string!(i18n, verify.differ)}</p>
            </div>
        </div>
    }
}

#[component]
fn Number(safety: Safety) -> impl IntoView {
    let i18n = use_i18n();
    let groups: Vec<String> = safety.digits.split_whitespace().map(str::to_owned).collect();
    view! {
        <div class="safety-card">
            <Qr
                data=safety.qr
                label=tu_string!(i18n, verify.qr)
                test_id="safety-qr"
            />
            <ol class="safety-digits" dir="ltr" data-testid="safety-digits" aria-label=tu_string!(i18n, verify.digits)>
                {groups.into_iter().map(|group| view! { <li>{group}" "</li> }).collect_view()}
            </ol>
        </div>
    }
}

#[component]
fn VerifiedSwitch(contact: ContactId) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let known = state.contacts.get(contact);
    let verified = Memo::new(move |_| known.clone().is_some_and(|known| known.verified().get()));
    let hint = Signal::derive(move || {
        let name = texts::contact_isolated(i18n, state, contact);
        t_string!(i18n, verify.switch_hint, name = name).to_string()
    });
    view! {
        <Switch
            label=tu_string!(i18n, verify.switch)
            hint=hint
            on=verified
            on_toggle=move |verified| state.client.send(Command::SetVerified { contact, verified })
            test_id="verified-switch"
        />
    }
}
