//! The history: loaded in pages, at its end unless the reader scrolled away.

use leptos::{html, prelude::*};
use reactive_stores::Store;
use sotto_browser::screen::{self, Scroll};
use sotto_engine::{Command, MessageOrder};

use super::{
    lines::{Day, NewLine},
    message::MessageItem,
    opening::Opening,
};
use crate::{
    components::{Glyph, Icon},
    i18n::*,
    logic::{
        person,
        timeline::{Item, lay_out},
    },
    state::{Contact, ContactStoreFields, use_state},
    texts,
};

/// The history of the conversation on the screen.
#[component]
pub fn Timeline(contact: Store<Contact>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let chat = state.chat;
    let id = contact.id().get_untracked();
    let outer = NodeRef::<html::Section>::new();
    let inner = NodeRef::<html::Div>::new();
    let scroll = StoredValue::new_local(None::<Scroll>);
    let at_end = RwSignal::new(true);
    let visible = RwSignal::new(screen::is_visible());
    let _watch = StoredValue::new_local(screen::on_visibility(move |now| {
        visible.try_set(now);
    }));
    let items = Memo::new(move |_| lay_out(chat.entries().into_iter(), chat.seen.get(), texts::local_day));

    let load_older = move || {
        if let Some(command) = chat.older() {
            state.client.send(command);
        }
    };
    Effect::new(move |_| {
        let (Some(outer), Some(inner)) = (outer.get(), inner.get()) else { return };
        let watched = Scroll::new(&outer, &inner, move |position| {
            if at_end.try_get_untracked() != Some(position.at_end) {
                at_end.try_set(position.at_end);
            }
            if position.near_start {
                load_older();
            }
        });
        scroll.set_value(Some(watched));
    });
    Effect::new(move |oldest: Option<Option<MessageOrder>>| {
        let first = items.with(|items| items.iter().find_map(Item::order));
        match oldest.flatten() {
            // What is on the screen follows in the same frame, after all effects.
            None if first.is_some() => request_animation_frame(move || {
                let unread = chat.seen.try_with_untracked(Option::is_some).unwrap_or_default();
                scroll.try_with_value(|scroll| scroll.as_ref().map(|scroll| start(scroll, unread)));
            }),
            Some(oldest) if first.is_some_and(|first| first < oldest) => {
                scroll.with_value(|scroll| scroll.as_ref().map(Scroll::grows_above).unwrap_or_default());
            }
            _ => {}
        }
        first
    });
    Effect::new(move |_| {
        let watching = at_end.get() && visible.get() && chat.loaded.get();
        chat.watching.set(watching);
        if watching {
            chat.missed.set(0);
            items.track();
            if contact.unread().get() > 0
                && let Some(up_to) = chat.newest()
            {
                state.client.send(Command::MarkRead { contact: id, up_to });
            }
        }
    });
    Effect::new(move |_| {
        if chat.followed.get() > 0 {
            scroll.with_value(|scroll| scroll.as_ref().map(Scroll::to_end).unwrap_or_default());
        }
    });
    let to_end = move |_| scroll.with_value(|scroll| scroll.as_ref().map(Scroll::to_end).unwrap_or_default());
    let label = move || {
        let name = person::isolate(&texts::name(i18n, contact.name().get()));
        t_string!(i18n, chat.history, name = name).to_string()
    };
    view! {
        <div class="timeline-place">
            <section class="timeline" node_ref=outer tabindex="0" aria-label=label data-testid="timeline">
                <div class="timeline-inner" node_ref=inner>
                    <Show when=move || { chat.loaded.get() && !chat.more.get() }>
                        <Opening contact=contact />
                    </Show>
                    <Show when=move || chat.more.get()>
                        <p class="soft small center older">{tu_string!(i18n, chat.older)}</p>
                    </Show>
                    <ol class="messages">
                        <For each=move || items.get() key=|item| *item let(item)>
                            {match item {
                                Item::Day(_, at) => view! { <Day at=at /> }.into_any(),
                                Item::New => view! { <NewLine /> }.into_any(),
                                Item::Message { order, first, .. } => {
                                    view! { <MessageItem contact=id order=order first=first /> }.into_any()
                                }
                            }}
                        </For>
                    </ol>
                </div>
            </section>
            <Show when=move || !at_end.get()>
                <button
                    type="button"
                    class="jump"
                    data-testid="jump"
                    aria-label=move || match chat.missed.get() {
                        0 => t_string!(i18n, chat.jump).to_string(),
                        count => t_string!(i18n, chat.jump_count, count = count).to_string(),
                    }
                    on:click=to_end
                >
                    <Icon glyph=Glyph::Down />
                    <Show when=move || { chat.missed.get() > 0 }>
                        <span class="unread" data-testid="jump-count" aria-hidden="true">{move || chat.missed.get()}</span>
                    </Show>
                </button>
            </Show>
        </div>
    }
}

/// Where a conversation opens: at the first message not seen, else at the end.
fn start(scroll: &Scroll, unread: bool) {
    if unread && screen::show_id("new-messages") {
        scroll.stay();
    } else {
        scroll.to_end();
    }
}
