//! Pages for when nothing runs: what happened, that the data is safe, and the next step.

use leptos::{prelude::*, task::spawn_local};
use sotto_browser::{StartError, StopReason, WipeError, page, screen};

use crate::{
    components::{Brand, Confirm},
    i18n::*,
    state::{Halt, Phase, use_state},
    texts::Texts,
};

struct Words {
    test_id: &'static str,
    reason: &'static str,
    title: &'static str,
    text: String,
    next: &'static str,
    use_here: bool,
    report: bool,
    anew: bool,
}

/// The page that says why nothing runs.
#[component]
pub fn Halted(why: Halt, #[prop(into)] on_use_here: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    move || view! { <Page why=why.clone() words=words(i18n, &why) on_use_here=on_use_here /> }
}

#[component]
fn Page(why: Halt, words: Words, on_use_here: Callback<()>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let report = format!("Sotto {}: {why:?}", env!("CARGO_PKG_VERSION"));
    let Words { test_id, reason, title, text, next, use_here, report: can_report, anew } = words;
    let copied = RwSignal::new(false);
    let copy = move |_| {
        let report = report.clone();
        spawn_local(async move {
            if page::copy(&report).await {
                copied.try_set(true);
            } else {
                state.notices.say(crate::state::NoticeKind::CopyFailed);
            }
        });
    };
    let act = move |_| {
        if use_here {
            on_use_here.run(());
        } else {
            screen::reload();
        }
    };
    view! {
        <div class="app" data-alone="">
        <main class="main" id="main" tabindex="-1">
        <header class="bar bar-brand"><Brand /></header>
        <div class="page scroll">
        <div class="column card-column">
            <section class="card" data-testid=test_id data-reason=reason>
                <h1 class="card-title">{title}</h1>
                <p>{text}</p>
                {(!next.is_empty()).then(|| view! { <p class="soft">{next}</p> })}
                <div class="stack">
                    <button
                        type="button"
                        class="button primary wide"
                        data-testid=if use_here { "use-here" } else { "reload" }
                        on:click=act
                    >
                        {if use_here { tu_string!(i18n, halt.use_here) } else { tu_string!(i18n, halt.reload) }}
                    </button>
                    {can_report
                        .then(|| {
                            view! {
                                <button type="button" class="button plain wide" data-testid="copy-report" on:click=copy>
                                    {move || {
                                        if copied.get() {
                                            t_string!(i18n, halt.report_copied)
                                        } else {
                                            t_string!(i18n, halt.copy_report)
                                        }
                                    }}
                                </button>
                            }
                        })}
                    {anew.then(|| view! { <StartAnew /> })}
                </div>
            </section>
        </div>
        </div>
        </main>
        </div>
    }
}

/// The last way out: everything here is deleted, after asking.
#[component]
fn StartAnew() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let asking = RwSignal::new(false);
    let wipe = move || {
        asking.set(false);
        spawn_local(async move {
            state.phase.try_set(Phase::Halted(match sotto_browser::wipe().await {
                Ok(wiped) => Halt::Wiped(wiped),
                Err(error) => Halt::NotStarted(error),
            }));
        });
    };
    view! {
        <button
            type="button"
            class="button plain wide danger-text"
            data-testid="start-anew"
            on:click=move |_| asking.set(true)
        >
            {tu_string!(i18n, halt.anew)}
        </button>
        <Show when=move || asking.get()>
            <Confirm
                title=move || t!(i18n, halt.anew_title)
                text=tu_string!(i18n, halt.anew_text)
                action=tu_string!(i18n, halt.anew_yes)
                on_yes=move |()| wipe()
                on_close=move |()| asking.set(false)
                test_id="anew-dialog"
                yes_id="anew-confirm"
                no_id="anew-cancel"
            />
        </Show>
    }
}

fn words(i18n: Texts, why: &Halt) -> Words {
    let plain = |test_id, title, text: &'static str| Words {
        test_id,
        reason: "",
        title,
        text: text.to_owned(),
        next: "",
        use_here: false,
        report: false,
        anew: false,
    };
    match why {
        Halt::NotStarted(StartError::OtherTab) => Words {
            use_here: true,
            ..plain("other-tab", t_string!(i18n, halt.other_title), t_string!(i18n, halt.other))
        },
        Halt::TakenOver => Words {
            use_here: true,
            ..plain("taken-over", t_string!(i18n, halt.taken_title), t_string!(i18n, halt.taken))
        },
        Halt::NotStarted(error) => not_started(i18n, error),
        Halt::Stopped(reason) => {
            let (reason, text) = match reason {
                StopReason::StorageFailed => ("storage-failed", t_string!(i18n, halt.stopped_storage)),
                StopReason::StorageGone => ("storage-gone", t_string!(i18n, halt.stopped_gone)),
            };
            Words { reason, report: true, ..plain("stopped", t_string!(i18n, halt.stopped_title), text) }
        }
        Halt::Displaced => Words {
            reason: "displaced",
            ..plain("stopped", t_string!(i18n, halt.stopped_title), t_string!(i18n, halt.displaced))
        },
        Halt::Wiped(Ok(())) => plain("wiped", t_string!(i18n, halt.wiped_title), t_string!(i18n, halt.wiped)),
        Halt::Wiped(Err(WipeError::Incomplete)) => Words {
            reason: "incomplete",
            ..plain("wiped", t_string!(i18n, halt.wiped_part_title), t_string!(i18n, halt.wiped_part))
        },
        Halt::Wiped(Err(WipeError::KeysRemain)) => Words {
            reason: "keys-remain",
            ..plain("wiped", t_string!(i18n, halt.not_wiped_title), t_string!(i18n, halt.not_wiped))
        },
    }
}

fn not_started(i18n: Texts, error: &StartError) -> Words {
    let (reason, title, text, next) = match error {
        StartError::StorageDenied => (
            "storage-denied",
            t_string!(i18n, halt.denied_title),
            t_string!(i18n, halt.denied).to_owned(),
            t_string!(i18n, halt.denied_next),
        ),
        StartError::OlderTab => (
            "older-tab",
            t_string!(i18n, halt.older_title),
            t_string!(i18n, halt.older).to_owned(),
            t_string!(i18n, halt.older_next),
        ),
        StartError::StorageFull => (
            "storage-full",
            t_string!(i18n, halt.full_title),
            t_string!(i18n, halt.full).to_owned(),
            t_string!(i18n, halt.full_next),
        ),
        StartError::StorageDamaged => (
            "storage-damaged",
            t_string!(i18n, halt.damaged_title),
            t_string!(i18n, halt.damaged).to_owned(),
            t_string!(i18n, halt.damaged_next),
        ),
        // No screen of this version sets a passphrase: a newer one did.
        StartError::NewerVersion | StartError::Locked | StartError::Passphrase(_) => (
            "newer-version",
            t_string!(i18n, halt.newer_title),
            t_string!(i18n, halt.newer).to_owned(),
            t_string!(i18n, halt.newer_next),
        ),
        StartError::Unsupported(what) => (
            "unsupported",
            t_string!(i18n, halt.unsupported_title),
            t_string!(i18n, halt.unsupported, what = *what).to_string(),
            t_string!(i18n, halt.unsupported_next),
        ),
        StartError::OtherTab => (
            "other",
            t_string!(i18n, halt.failed_title),
            t_string!(i18n, halt.failed).to_owned(),
            t_string!(i18n, halt.failed_next),
        ),
    };
    let anew = *error == StartError::StorageDamaged;
    Words { test_id: "start-failed", reason, title, text, next, use_here: false, report: true, anew }
}
