//! Which suggestions are still worth making.

use leptos::{prelude::*, task::spawn_local};
use sotto_browser::screen;

use super::Client;

const PERSIST: &str = "persist";
const VERIFY: &str = "verify";

/// Whether the browser keeps the data, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kept {
    /// Not asked yet.
    #[default]
    Unknown,
    /// The browser was asked how it stands.
    Learning,
    /// It does not promise to keep them.
    No,
    /// It does, or the question was answered.
    Settled,
}

/// What may still be suggested.
#[derive(Clone, Copy)]
pub struct Keeping {
    kept: RwSignal<Kept>,
    verify_answered: RwSignal<bool>,
}

impl Keeping {
    /// What was answered in earlier runs is not suggested again.
    pub fn new() -> Self {
        let kept = if screen::hint_given(PERSIST) { Kept::Settled } else { Kept::Unknown };
        Self { kept: RwSignal::new(kept), verify_answered: RwSignal::new(screen::hint_given(VERIFY)) }
    }

    /// Finds out once whether the browser already keeps the data.
    pub fn learn(&self, client: Client) {
        if self.kept.get_untracked() != Kept::Unknown {
            return;
        }
        self.kept.set(Kept::Learning);
        let this = *self;
        spawn_local(async move {
            let Some(sotto) = client.get() else { return };
            let kept = sotto.storage().await.is_none_or(|storage| storage.persisted);
            this.kept.try_set(if kept { Kept::Settled } else { Kept::No });
        });
    }

    /// Whether to suggest keeping the data. Tracked.
    pub fn suggests_persist(&self) -> bool {
        self.kept.get() == Kept::No
    }

    /// Whether to suggest verifying: one suggestion at a time. Tracked.
    pub fn suggests_verify(&self) -> bool {
        self.kept.get() == Kept::Settled && !self.verify_answered.get()
    }

    /// The question about keeping was answered.
    pub fn persist_answered(&self) {
        screen::remember_hint(PERSIST);
        self.kept.try_set(Kept::Settled);
    }

    /// The question about verifying was answered.
    pub fn verify_answered(&self) {
        screen::remember_hint(VERIFY);
        self.verify_answered.try_set(true);
    }
}
