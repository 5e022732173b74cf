//! A file in the conversation: what it is, how far it is, what can be done.

use leptos::prelude::*;
use reactive_stores::Store;
use sotto_engine::{ContactId, Content, FileFailure, FileState, FileView, Linking};

use super::message::Stamp;
use crate::{
    components::{Glyph, Icon},
    i18n::*,
    logic::{bytes, person},
    pages::chat::file_actions::FileActions,
    state::{Message, MessageStoreFields, use_state},
    texts::{self, Texts},
};

/// The card of a file.
#[component]
pub fn FileCard(contact: ContactId, message: Store<Message>) -> impl IntoView {
    let i18n = use_i18n();
    let mine = message.mine().get_untracked();
    let file = message.content().with_untracked(file_of);
    let Some(FileView { id, name, size, mime, .. }) = file else { return ().into_any() };
    let file_state = Memo::new(move |_| {
        message.content().with(|content| match content {
            Content::File(file) => file.state,
            // A file stays a file.
            _ => FileState::Deleted,
        })
    });
    let app = use_state();
    let shown = StoredValue::new(name.clone());
    view! {
        <div
            class="bubble file-card"
            data-testid="file-card"
            data-mine=mine.to_string()
            data-state=move || state_tag(file_state.get())
            data-failure=move || failure_tag(file_state.get())
        >
            <div class="file-top">
                <span class="file-icon" aria-hidden="true"><Icon glyph=Glyph::of_file(&mime) /></span>
                <div class="file-what">
                    <p class="file-name"><bdi dir="auto" data-testid="file-name">{name}</bdi></p>
                    <p class="file-size" data-testid="file-size" data-bytes=size.to_string()>
                        {texts::size(i18n, size)}
                    </p>
                </div>
            </div>
            {move || {
                if file_state.get() == FileState::Transferring {
                    view! { <Progress file=id size=size name=shown.get_value() mine=mine /> }.into_any()
                } else {
                    let (tone, words) = words(i18n, file_state.get(), mine, app.linking.get());
                    view! { <p class="file-words" data-tone=tone>{words}</p> }.into_any()
                }
            }}
            <FileActions contact=contact message=message file=id name=shown state=file_state />
            <Stamp message=message />
        </div>
    }
    .into_any()
}

/// A bar, how much is through, how fast, and how long it will take.
#[component]
fn Progress(file: sotto_engine::FileId, size: u64, name: String, mine: bool) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let progress = state.transfers.progress(file);
    let (for_amount, for_rate) = (progress.clone(), progress.clone());
    let percent = Memo::new(move |_| bytes::percent(progress.with(|progress| progress.done), size));
    let label = person::isolate(&name);
    let amount = move || {
        let done = texts::size(i18n, for_amount.with(|progress| progress.done));
        t_string!(i18n, file.of, done = done, size = texts::size(i18n, size)).to_string()
    };
    let rate = move || {
        for_rate.with(|progress| {
            let speed = progress.meter.speed()?;
            let speed = t_string!(i18n, file.rate, speed = texts::size(i18n, speed)).to_string();
            let left = progress.meter.seconds_left(size).map(|left| texts::left(i18n, left));
            Some(left.map_or(speed.clone(), |left| format!("{speed} · {left}")))
        })
    };
    view! {
        <div
            class="meter"
            role="progressbar"
            data-testid="file-progress"
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=move || percent.get().to_string()
            aria-label=tu_string!(i18n, file.progress, name = label).to_string()
        >
            <span class="meter-fill" style:width=move || format!("{}%", percent.get())></span>
        </div>
        <p class="file-words">
            {if mine { tu_string!(i18n, file.sending) } else { tu_string!(i18n, file.receiving) }} " · "
            <span class="numbers">{amount}</span>
        </p>
        <p class="file-words numbers" data-testid="file-speed">{rate}</p>
    }
}

fn file_of(content: &Content) -> Option<FileView> {
    match content {
        Content::File(file) => Some(file.clone()),
        _ => None,
    }
}

fn words(i18n: Texts, state: FileState, mine: bool, linking: Linking) -> (&'static str, String) {
    let blocked = match linking {
        Linking::Possible => None,
        Linking::Blocked => Some(t_string!(i18n, file.blocked)),
        Linking::NoRelay => Some(t_string!(i18n, file.no_relay)),
    };
    if let Some(blocked) = blocked.filter(|_| matches!(state, FileState::Offered | FileState::Accepted)) {
        return ("bad", blocked.to_owned());
    }
    let (tone, words) = match (state, mine) {
        (FileState::Offered, true) => ("soft", t_string!(i18n, file.waits_decision)),
        (FileState::Offered, false) | (FileState::Transferring, _) => return ("soft", String::new()),
        (FileState::Accepted, _) => ("soft", t_string!(i18n, file.waits_connection)),
        (FileState::Verified, true) => ("good", t_string!(i18n, file.verified_mine)),
        (FileState::Verified, false) => ("good", t_string!(i18n, file.verified_theirs)),
        (FileState::Declined, true) => ("soft", t_string!(i18n, file.declined_by_them)),
        (FileState::Declined, false) => ("soft", t_string!(i18n, file.declined_by_me)),
        (FileState::Cancelled { by_me: true }, _) => ("soft", t_string!(i18n, file.cancelled_by_me)),
        (FileState::Cancelled { by_me: false }, _) => ("soft", t_string!(i18n, file.cancelled_by_them)),
        (FileState::Deleted, _) => ("soft", t_string!(i18n, file.deleted)),
        (FileState::Failed(why), _) => return ("bad", failed(i18n, why, mine)),
    };
    (tone, words.to_owned())
}

fn failed(i18n: Texts, why: FileFailure, mine: bool) -> String {
    let what = match why {
        FileFailure::Interrupted => t_string!(i18n, file.interrupted),
        FileFailure::Unreadable => t_string!(i18n, file.unreadable),
        FileFailure::NoSpace => t_string!(i18n, file.no_space),
        FileFailure::Corrupt => t_string!(i18n, file.corrupt),
        FileFailure::DeviceFailed => t_string!(i18n, file.device_failed),
    };
    let next = if mine { t_string!(i18n, file.again_mine) } else { t_string!(i18n, file.again_theirs) };
    format!("{what} {next}")
}

fn state_tag(state: FileState) -> &'static str {
    match state {
        FileState::Offered => "offered",
        FileState::Accepted => "accepted",
        FileState::Transferring => "transferring",
        FileState::Verified => "verified",
        FileState::Declined => "declined",
        FileState::Cancelled { .. } => "cancelled",
        FileState::Failed(_) => "failed",
        FileState::Deleted => "deleted",
    }
}

fn failure_tag(state: FileState) -> Option<&'static str> {
    match state {
        FileState::Failed(FileFailure::Interrupted) => Some("interrupted"),
        FileState::Failed(FileFailure::Unreadable) => Some("unreadable"),
        FileState::Failed(FileFailure::NoSpace) => Some("no-space"),
        FileState::Failed(FileFailure::Corrupt) => Some("corrupt"),
        FileState::Failed(FileFailure::DeviceFailed) => Some("device-failed"),
        _ => None,
    }
}
