//! Which suggestions are still worth making.

use leptos::{prelude::*, task::spawn_local};
use sotto_browser::screen;
use sotto_engine::MessageOrder;

use super::Client;
use crate::logic::suggestion::Suggestion;

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
    answered: StoredValue<Option<MessageOrder>>,
}

impl Keeping {
    /// What was answered in earlier runs is not suggested again.
    pub fn new() -> Self {
        let kept = if screen::hint_given(PERSIST) { Kept::Settled } else { Kept::Unknown };
        Self {
            kept: RwSignal::new(kept),
            verify_answered: RwSignal::new(screen::hint_given(VERIFY)),
            answered: StoredValue::default(),
        }
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

    /// Whether this is of use, as far as it does not depend on the contact. Tracked.
    pub fn is_of_use(&self, suggestion: Suggestion) -> bool {
        match suggestion {
            Suggestion::Persist => self.kept.get() == Kept::No,
            Suggestion::Verify => self.kept.get() == Kept::Settled && !self.verify_answered.get(),
        }
    }

    /// The message that was the newest delivered when a suggestion was last answered.
    pub fn answered(&self) -> Option<MessageOrder> {
        self.answered.get_value()
    }

    /// A suggestion was answered, when this was the newest message delivered.
    pub fn answer(&self, suggestion: Suggestion, delivered: Option<MessageOrder>) {
        self.answered.set_value(delivered);
        match suggestion {
            Suggestion::Persist => {
                screen::remember_hint(PERSIST);
                self.kept.set(Kept::Settled);
            }
            Suggestion::Verify => {
                screen::remember_hint(VERIFY);
                self.verify_answered.set(true);
            }
        }
    }
}
