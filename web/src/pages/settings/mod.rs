//! Settings.

mod about;
mod appearance;
mod privacy;
mod profile;
mod storage;
mod wipe;

use leptos::prelude::*;

use crate::{components::Bar, i18n::*};
use about::About;
use appearance::Appearance;
use privacy::Privacy;
use profile::ProfileSection;
use storage::StorageSection;
use wipe::Wipe;

/// The first page of settings.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <Bar title=move || t!(i18n, settings.title) />
        <div class="page scroll">
            <div class="column settings" data-testid="settings">
                <ProfileSection />
                <Privacy />
                <Appearance />
                <StorageSection />
                <About />
                <Wipe />
            </div>
        </div>
    }
}
