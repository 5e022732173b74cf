//! One message.

use leptos::prelude::*;
use reactive_stores::Store;
use sotto_browser::screen;
use sotto_engine::{ContactId, Content, Delivery, MessageOrder};

use super::{
    file_card::FileCard,
    lines::{Gap, MilestoneLine, Unreadable},
};
use crate::{
    components::{RichText, Ticks},
    i18n::*,
    logic::links,
    state::{Message, MessageStoreFields, use_state},
    texts,
};

/// What a message is; only this decides how it is built, so that a changing file is not built anew.
#[derive(Clone, PartialEq, Eq)]
enum Shape {
    Text(String),
    File,
    Gap,
    Hidden,
    Milestone(sotto_engine::Milestone),
    Unreadable,
}

/// A message, or the line that stands for it. `first` begins a group.
#[component]
pub fn MessageItem(contact: ContactId, order: MessageOrder, first: bool) -> impl IntoView {
    let state = use_state();
    let Some(message) = state.chat.message(order) else { return ().into_any() };
    let message = Store::from(message);
    let mine = message.mine().get_untracked();
    let shape = Memo::new(move |_| {
        message.content().with(|content| match content {
            Content::Text(text) => Shape::Text(text.clone()),
            Content::File(_) => Shape::File,
            Content::Gap { missing: 0 } => Shape::Hidden,
            Content::Gap { .. } => Shape::Gap,
            Content::Milestone(milestone) => Shape::Milestone(*milestone),
            Content::Unreadable => Shape::Unreadable,
        })
    });
    (move || match shape.get() {
        Shape::Text(text) => view! { <TextBubble message=message text=text first=first /> }.into_any(),
        Shape::File => view! {
            <Row message=message first=first>
                <FileCard contact=contact message=message />
            </Row>
        }
        .into_any(),
        Shape::Gap => view! { <Gap /> }.into_any(),
        Shape::Hidden => ().into_any(),
        Shape::Unreadable => view! { <Unreadable /> }.into_any(),
        Shape::Milestone(milestone) => {
            view! { <MilestoneLine contact=contact milestone=milestone mine=mine /> }.into_any()
        }
    })
    .into_any()
}

#[component]
fn TextBubble(message: Store<Message>, text: String, first: bool) -> impl IntoView {
    let large = links::is_emoji_only(&text);
    view! {
        <Row message=message first=first>
            <div class="bubble" class:large=large>
                <p class="bubble-text" dir="auto" data-testid="message-text"><RichText text=text /></p>
                <Stamp message=message />
            </div>
        </Row>
    }
}

/// The row of a message; what tests and screen readers hold on to.
#[component]
fn Row(message: Store<Message>, first: bool, children: Children) -> impl IntoView {
    let i18n = use_i18n();
    let mine = message.mine().get_untracked();
    view! {
        <li
            class="row-of-message"
            class:mine=mine
            class:first=first
            data-testid="message"
            data-id=message.id().get_untracked().to_string()
            data-mine=mine.to_string()
            data-state=move || delivery_tag(message.delivery().get())
        >
            {mine.then(|| view! { <span class="hush">{tu_string!(i18n, chat.mine)}": "</span> })}
            {children()}
        </li>
    }
}

/// The time, and how far the message got.
#[component]
pub fn Stamp(message: Store<Message>) -> impl IntoView {
    let i18n = use_i18n();
    let at = message.sent_at().get_untracked();
    view! {
        <span class="stamp">
            <time>{screen::format_time(at, texts::language(i18n))}</time>
            <Ticks delivery=Signal::derive(move || message.delivery().get()) />
        </span>
    }
}

fn delivery_tag(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Incoming => "incoming",
        Delivery::Waiting => "waiting",
        Delivery::Sent => "sent",
        Delivery::Delivered => "delivered",
        Delivery::Undeliverable => "undeliverable",
    }
}
