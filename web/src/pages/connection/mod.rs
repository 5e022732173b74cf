//! The connection doctor: how a contact is reached, how well, why not better, and what to do.

mod words;

use core::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use sotto_browser::{page, screen};
use sotto_engine::{Command, ContactId, Examination};

use crate::{
    components::{Bar, Glyph, Icon},
    i18n::*,
    logic::rate::Meter,
    pages::{path_tag, route_tag},
    state::{NoticeKind, use_state},
    texts,
};
use words::Fact;

/// How often it is looked again while the page is open.
const AGAIN: Duration = Duration::from_secs(1);

/// The way to a contact.
#[component]
pub fn ConnectionPage(contact: ContactId) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let examine = move || state.client.send(Command::Examine(contact));
    examine();
    let looking = set_interval_with_handle(examine, AGAIN).ok();
    on_cleanup(move || {
        if let Some(looking) = looking {
            looking.clear();
        }
    });
    let name = Memo::new(move |_| texts::contact(i18n, state, contact));
    let seen = Memo::new(move |_| state.examined.get().filter(|seen| seen.contact == contact));
    let meter = StoredValue::new(Meter::default());
    let speed = Memo::new(move |_| {
        let figures = seen.get()?.figures?;
        let moved = figures.sent.saturating_add(figures.received);
        meter.try_update_value(|meter| {
            meter.record(screen::now().0, moved);
            meter.speed()
        })?
    });
    view! {
        <Bar title=move || t!(i18n, connection.title, name = move || name.get(), <bdi> = <bdi dir="auto" />) />
        <div class="page scroll">
            <div class="column connection" data-testid="connection">
                {move || match seen.get() {
                    Some(seen) => view! { <Seen seen=seen speed=speed /> }.into_any(),
                    None => {
                        view! { <p class="soft center" role="status">{tu_string!(i18n, connection.looking)}</p> }.into_any()
                    }
                }}
            </div>
        </div>
    }
}

#[component]
fn Seen(seen: Examination, speed: Memo<Option<u64>>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let findings = seen.findings();
    let advice: Vec<_> = findings.iter().map(|finding| words::finding(i18n, *finding)).collect();
    let facts = move || words::facts(i18n, &seen, speed.get(), state.transfers.last_speed());
    let copy = move |_| {
        let report = words::report(i18n, &seen, &facts(), &seen.findings());
        spawn_local(async move {
            state.notices.say(if page::copy(&report).await {
                NoticeKind::ReportCopied
            } else {
                NoticeKind::CopyFailed
            });
        });
    };
    view! {
        <div class="way" data-testid="way" data-route=route_tag(seen.route) data-path=path_tag(seen.path)>
            <span class="status-dot" data-route=route_tag(seen.route) aria-hidden="true"></span>
            <p class="way-words">{words::way(i18n, &seen)}</p>
            <p class="soft small">{tu_string!(i18n, connection.encrypted)}</p>
        </div>
        <section class="why" data-testid="why">
            <h2>{tu_string!(i18n, connection.why)}</h2>
            {if advice.is_empty() {
                view! { <p class="soft">{tu_string!(i18n, connection.best)}</p> }.into_any()
            } else {
                view! {
                    <ul class="advice">
                        {advice
                            .into_iter()
                            .map(|(tag, what, next)| {
                                view! {
                                    <li data-testid="finding" data-finding=tag>
                                        <p>{what}</p>
                                        <p class="soft small">{next}</p>
                                    </li>
                                }
                            })
                            .collect_view()}
                    </ul>
                }
                    .into_any()
            }}
        </section>
        <dl class="facts" data-testid="facts">
            {move || {
                facts()
                    .into_iter()
                    .map(|Fact { tag, label, value }| {
                        view! {
                            <div class="fact">
                                <dt>{label}</dt>
                                <dd data-testid="fact" data-fact=tag>{value}</dd>
                            </div>
                        }
                    })
                    .collect_view()
            }}
        </dl>
        <div class="report">
            <button type="button" class="button quiet" data-testid="connection-report" on:click=copy>
                <Icon glyph=Glyph::Copy />
                {tu_string!(i18n, connection.copy)}
            </button>
            <p class="soft small">{tu_string!(i18n, connection.copy_hint)}</p>
        </div>
    }
}
