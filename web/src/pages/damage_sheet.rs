//! What is stored on this device and could not be read: told once, until it was taken note of.

use leptos::prelude::*;
use sotto_engine::{Command, Damage, DamagedPart};

use crate::{
    components::Dialog,
    i18n::*,
    state::{State, use_state},
    texts::{self, Texts},
};

/// A sheet over the page while something is to be taken note of.
#[component]
pub fn DamageSheet() -> impl IntoView {
    let state = use_state();
    let shown = Memo::new(move |_| state.damage.with(|damage| !damage.is_empty()));
    move || shown.get().then(|| view! { <Sheet /> })
}

#[component]
fn Sheet() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let dismiss = move || state.client.send(Command::DismissDamage);
    let lines = move || {
        let damage = summed_up(state.damage.get());
        damage
            .into_iter()
            .map(|damage| {
                view! {
                    <li data-testid="damage-line" data-part=tag(damage.part)>{words(i18n, state, damage)}</li>
                }
            })
            .collect_view()
    };
    view! {
        <Dialog
            title=move || t!(i18n, damage.title)
            on_close=move |()| dismiss()
            test_id="damage"
        >
            <p>{tu_string!(i18n, damage.text)}</p>
            <ul class="damage-lines">{lines}</ul>
            <div class="actions">
                <button
                    type="button"
                    class="button primary"
                    data-testid="damage-dismiss"
                    autofocus
                    on:click=move |_| dismiss()
                >
                    {tu_string!(i18n, damage.dismiss)}
                </button>
            </div>
        </Dialog>
    }
}

/// One line for what has no name to tell it apart by.
fn summed_up(damage: Vec<Damage>) -> Vec<Damage> {
    let mut lines: Vec<Damage> = Vec::with_capacity(damage.len());
    for mut one in damage {
        if one.part == DamagedPart::Contact {
            one.contact = None;
        }
        match lines.iter_mut().find(|line| line.part == one.part && line.contact == one.contact) {
            Some(line) => line.count = line.count.saturating_add(one.count),
            None => lines.push(one),
        }
    }
    lines
}

fn words(i18n: Texts, state: State, damage: Damage) -> String {
    let name = || match damage.contact {
        Some(contact) => texts::contact_now(i18n, state, contact),
        None => texts::name(i18n, String::new()),
    };
    let count = damage.count;
    match damage.part {
        DamagedPart::Contact => t_string!(i18n, damage.contact, count = count).to_string(),
        DamagedPart::Session => t_string!(i18n, damage.session, name = name()).to_string(),
        DamagedPart::Waiting => t_string!(i18n, damage.waiting, count = count, name = name()).to_string(),
        DamagedPart::Draft => t_string!(i18n, damage.draft, name = name()).to_string(),
        DamagedPart::Link => t_string!(i18n, damage.link, count = count).to_string(),
        DamagedPart::File => t_string!(i18n, damage.file, count = count).to_string(),
        DamagedPart::Keys => t_string!(i18n, damage.keys).to_string(),
        DamagedPart::Notes => t_string!(i18n, damage.notes).to_string(),
    }
}

fn tag(part: DamagedPart) -> &'static str {
    match part {
        DamagedPart::Contact => "contact",
        DamagedPart::Session => "session",
        DamagedPart::Waiting => "waiting",
        DamagedPart::Draft => "draft",
        DamagedPart::Link => "link",
        DamagedPart::File => "file",
        DamagedPart::Keys => "keys",
        DamagedPart::Notes => "notes",
    }
}
