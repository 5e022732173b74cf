//! Which suggestions were answered in this run.

use leptos::{prelude::*, task::spawn_local};

use super::Client;

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
    verify_dismissed: RwSignal<bool>,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { kept: RwSignal::default(), verify_dismissed: RwSignal::new(false) }
    }
}

impl Keeping {
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

    /// Whether to suggest keeping. Tracked.
    pub fn worth_asking(&self) -> bool {
        self.kept.get() == Kept::No
    }

    /// Whether that question is out of the way. Tracked.
    pub fn settled(&self) -> bool {
        self.kept.get() == Kept::Settled
    }

    /// It was answered.
    pub fn settle(&self) {
        self.kept.try_set(Kept::Settled);
    }

    /// Whether verifying was put off. Tracked.
    pub fn verify_dismissed(&self) -> bool {
        self.verify_dismissed.get()
    }

    /// Verifying was put off.
    pub fn dismiss_verify(&self) {
        self.verify_dismissed.set(true);
    }
}
