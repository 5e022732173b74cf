use std::{cell::RefCell, rc::Rc};

use sotto_engine::{Command, Event, Store};
use wasm_bindgen_test::wasm_bindgen_test;

use super::worker_url;
use crate::{
    DriverEvent, Options, Sotto, StartError, StopReason,
    notify::Notify,
    storage::{DATABASE, Database, KeyRange, RecordStore},
};

#[derive(Default)]
pub(super) struct Screen {
    events: RefCell<Vec<DriverEvent>>,
    changed: Notify,
}

pub(super) fn options(take_over: bool) -> Options {
    Options { take_over, worker_url: worker_url() }
}

pub(super) async fn start(take_over: bool) -> Result<(Sotto, Rc<Screen>), StartError> {
    let screen = Rc::<Screen>::default();
    let sotto = Sotto::start(options(take_over), screen.listen());
    Ok((sotto.await?, screen))
}

impl Screen {
    /// What hears the client's events for this screen.
    pub(super) fn listen(self: &Rc<Self>) -> impl Fn(DriverEvent) + 'static {
        let screen = Rc::clone(self);
        move |event| {
            screen.events.borrow_mut().push(event);
            screen.changed.notify();
        }
    }

    pub(super) async fn shows(&self, wanted: impl Fn(&DriverEvent) -> bool) {
        self.changed.until(|| self.has(&wanted).then_some(())).await;
    }

    pub(super) fn has(&self, wanted: impl Fn(&DriverEvent) -> bool) -> bool {
        self.events.borrow().iter().any(wanted)
    }
}

pub(super) fn calls_me(name: &str) -> impl Fn(&DriverEvent) -> bool {
    move |event| match event {
        DriverEvent::Engine(Event::Ready { profile, .. } | Event::Profile(profile)) => profile.name == name,
        _ => false,
    }
}

#[wasm_bindgen_test]
async fn only_one_runs_and_another_can_take_over_and_wipe() {
    let (first, first_screen) = start(true).await.unwrap();
    assert_eq!(start(false).await.err(), Some(StartError::OtherTab));
    let (second, second_screen) = start(true).await.unwrap();
    first_screen.shows(|event| *event == DriverEvent::TakenOver).await;
    assert!(!second_screen.has(|event| *event == DriverEvent::TakenOver));
    drop(first);
    assert!(second.storage().await.is_some_and(|storage| storage.quota > 0));
    second.wipe().await.unwrap();
    // Nothing of the account is left.
    let database = Database::open(DATABASE).await.unwrap();
    for store in Store::ALL {
        assert!(database.read(store, KeyRange::all(), None).await.unwrap().is_empty());
    }
    assert!(database.keyring("wrapping-key").await.unwrap().is_undefined());
}

#[wasm_bindgen_test]
async fn what_was_set_is_there_after_a_restart() {
    let (first, screen) = start(true).await.unwrap();
    screen.shows(|event| matches!(event, DriverEvent::Engine(Event::Ready { .. }))).await;
    first.send(Command::SetName("Anna".to_owned()));
    screen.shows(calls_me("Anna")).await;
    drop(first);
    let (second, screen) = start(true).await.unwrap();
    screen.shows(calls_me("Anna")).await;
    second.wipe().await.unwrap();
}

/// Has every transaction refused, for this reason.
fn refuse(reason: &str) {
    js_sys::eval(&format!(
        "globalThis.workingTransaction ??= IDBDatabase.prototype.transaction;
         IDBDatabase.prototype.transaction = function () {{
             throw new DOMException('refused', '{reason}');
         }};"
    ))
    .unwrap();
}

fn work_again() {
    js_sys::eval("IDBDatabase.prototype.transaction = workingTransaction").unwrap();
}

#[wasm_bindgen_test]
async fn when_storing_fails_nothing_behind_it_happens() {
    let (sotto, screen) = start(true).await.unwrap();
    screen.shows(|event| matches!(event, DriverEvent::Engine(Event::Ready { .. }))).await;
    refuse("UnknownError");
    sotto.send(Command::SetName("Anna".to_owned()));
    screen.shows(|event| *event == DriverEvent::Stopped(StopReason::StorageFailed)).await;
    work_again();
    assert!(!screen.has(calls_me("Anna")));
    assert!(matches!(screen.events.borrow().last(), Some(DriverEvent::Stopped(_))));
    sotto.wipe().await.unwrap();
}

#[wasm_bindgen_test]
async fn what_there_is_no_room_for_waits_with_all_behind_it_and_goes_on() {
    let (sotto, screen) = start(true).await.unwrap();
    screen.shows(|event| matches!(event, DriverEvent::Engine(Event::Ready { .. }))).await;
    refuse("QuotaExceededError");
    sotto.send(Command::SetName("Anna".to_owned()));
    sotto.send(Command::SetName("Annabel".to_owned()));
    screen.shows(|event| *event == DriverEvent::StorageFull(true)).await;
    // Pressed in vain, and then with success.
    sotto.store_again();
    work_again();
    sotto.store_again();
    screen.shows(calls_me("Annabel")).await;
    let place = |wanted: &dyn Fn(&DriverEvent) -> bool| screen.events.borrow().iter().position(wanted);
    let full = place(&|event| *event == DriverEvent::StorageFull(true));
    let room = place(&|event| *event == DriverEvent::StorageFull(false));
    assert!(full < room && room < place(&calls_me("Anna")), "nothing is shown before it is stored");
    assert!(place(&calls_me("Anna")) < place(&calls_me("Annabel")), "in their order");
    let told =
        screen.events.borrow().iter().filter(|event| matches!(event, DriverEvent::StorageFull(_))).count();
    assert_eq!(told, 2);
    sotto.wipe().await.unwrap();
}

#[wasm_bindgen_test]
async fn who_waits_for_room_still_gives_way() {
    let (first, screen) = start(true).await.unwrap();
    screen.shows(|event| matches!(event, DriverEvent::Engine(Event::Ready { .. }))).await;
    refuse("QuotaExceededError");
    first.send(Command::SetName("Anna".to_owned()));
    screen.shows(|event| *event == DriverEvent::StorageFull(true)).await;
    work_again();
    let (second, _) = start(true).await.unwrap();
    screen.shows(|event| *event == DriverEvent::TakenOver).await;
    drop(first);
    second.wipe().await.unwrap();
}
