//! The handle to the running client.

use leptos::prelude::*;
use sotto_browser::{Sotto, StartError, StopReason, WipeError};
use sotto_engine::Command;

/// How far the start got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The static shell is on the screen.
    Starting,
    /// The app is on the screen.
    Running,
    /// Nothing runs; a page says why.
    Halted(Halt),
}

/// Why nothing runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// It could not start.
    NotStarted(StartError),
    /// Another tab took over.
    TakenOver,
    /// It stopped by itself.
    Stopped(StopReason),
    /// This identity is in use elsewhere at the same time.
    Displaced,
    /// Everything was to be deleted; how that went.
    Wiped(Result<(), WipeError>),
}

/// The running client, once it runs.
#[derive(Clone, Copy, Default)]
pub struct Client(StoredValue<Option<Sotto>, LocalStorage>);

impl Client {
    /// It runs.
    pub fn set(&self, sotto: Sotto) {
        self.0.set_value(Some(sotto));
    }

    /// Lets go of it, which stops it.
    pub fn take(&self) -> Option<Sotto> {
        self.0.try_update_value(Option::take).flatten()
    }

    /// The handle itself, for what is not a command.
    pub fn get(&self) -> Option<Sotto> {
        self.0.try_get_value().flatten()
    }

    /// Wishes something.
    pub fn send(&self, command: Command) {
        if let Some(sotto) = self.get() {
            sotto.send(command);
        }
    }
}
