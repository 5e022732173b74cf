//! Passphrases of a running client, stretched by the real worker.

use std::rc::Rc;

use futures_util::future::join;
use sotto_crypto::passphrase::{Cost, Passphrase, Stretch};
use sotto_engine::{Command, Event};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    sotto::{Screen, calls_me, options, start},
    worker_url,
};
use crate::{
    DriverEvent, PassphraseError, Sotto, StartError, VaultRole,
    storage::{DECOY_DATABASE, Database, KeyRange, RecordStore},
    transfer::WorkerHandle,
};

async fn unlock(passphrase: &str) -> Result<(Sotto, Rc<Screen>), StartError> {
    let screen = Rc::<Screen>::default();
    let sotto = Sotto::unlock(options(true), passphrase, screen.listen()).await?;
    Ok((sotto, screen))
}

fn is_ready(event: &DriverEvent) -> bool {
    matches!(event, DriverEvent::Engine(Event::Ready { .. }))
}

#[wasm_bindgen_test]
async fn each_passphrase_opens_its_own_vault() {
    let (sotto, screen) = start(true).await.unwrap();
    screen.shows(is_ready).await;
    sotto.send(Command::SetName("Anna".to_owned()));
    screen.shows(calls_me("Anna")).await;
    assert!(!sotto.has_passphrase().await);
    assert_eq!(sotto.set_duress("duress").await, Err(PassphraseError::NoPassphrase));
    assert_eq!(sotto.set_passphrase("").await, Err(PassphraseError::Empty));
    assert_eq!(sotto.set_passphrase(&"x".repeat(1025)).await, Err(PassphraseError::TooLong));
    // The longest that is allowed goes to the worker and back, too.
    sotto.set_passphrase(&"x".repeat(1024)).await.unwrap();
    sotto.set_passphrase("correct horse").await.unwrap();
    assert!(sotto.has_passphrase().await);
    assert_eq!(sotto.set_duress("correct horse").await, Err(PassphraseError::Taken));
    sotto.set_duress("battery").await.unwrap();
    assert_eq!(sotto.set_passphrase("battery").await, Err(PassphraseError::Taken));
    drop(sotto);

    assert_eq!(start(true).await.err(), Some(StartError::Locked));
    for wrong in ["Correct horse", "correct horse ", "duress"] {
        let refused = unlock(wrong).await.err();
        assert_eq!(refused, Some(StartError::Passphrase(PassphraseError::Wrong)), "{wrong}");
    }
    let (sotto, screen) = unlock("correct horse").await.unwrap();
    assert_eq!(sotto.vault(), VaultRole::Main);
    screen.shows(calls_me("Anna")).await;
    drop(sotto);

    // The decoy begins empty, and keeps what is put into it apart.
    let (sotto, screen) = unlock("battery").await.unwrap();
    assert_eq!(sotto.vault(), VaultRole::Decoy);
    screen.shows(calls_me("")).await;
    sotto.send(Command::SetName("Nobody".to_owned()));
    screen.shows(calls_me("Nobody")).await;
    assert_eq!(sotto.set_duress("another").await, Err(PassphraseError::NotMain));
    assert_eq!(sotto.remove_duress().await, Err(PassphraseError::NotMain));
    assert_eq!(sotto.remove_passphrases().await, Err(PassphraseError::NotMain));
    sotto.set_passphrase("staple").await.unwrap();
    drop(sotto);
    let (sotto, screen) = unlock("staple").await.unwrap();
    screen.shows(calls_me("Nobody")).await;
    assert!(!screen.has(calls_me("Anna")));
    drop(sotto);

    let (sotto, screen) = unlock("correct horse").await.unwrap();
    screen.shows(calls_me("Anna")).await;
    assert!(!screen.has(calls_me("Nobody")));
    sotto.remove_passphrases().await.unwrap();
    drop(sotto);
    let (sotto, screen) = start(true).await.unwrap();
    screen.shows(calls_me("Anna")).await;
    let decoy = Database::open(DECOY_DATABASE).await.unwrap();
    assert!(decoy.read(sotto_engine::Store::Account, KeyRange::all(), None).await.unwrap().is_empty());
    drop(decoy);
    sotto.wipe().await.unwrap();
}

#[wasm_bindgen_test]
async fn the_worker_stretches_as_the_page_would() {
    let (outbox, _inbox) = crate::inbox::queue();
    let worker = WorkerHandle::start(&worker_url(), &outbox);
    let stretch = Stretch::generate(Cost::new(19_456, 2).unwrap(), &mut crate::js::rng());
    let here = stretch.run(&Passphrase::new("pässword").unwrap()).unwrap();
    // Several at once, each with its own answer.
    let (one, other) =
        join(worker.stretch(&stretch, "pa\u{308}ssword"), worker.stretch(&stretch, "other")).await;
    assert_eq!(*one.unwrap().to_bytes(), *here.to_bytes());
    assert_ne!(*other.unwrap().to_bytes(), *here.to_bytes());
    assert_eq!(worker.stretch(&stretch, "").await.unwrap_err(), PassphraseError::Empty);
}

#[wasm_bindgen_test]
async fn without_a_worker_no_passphrase_is_asked_of_the_page() {
    let (outbox, _inbox) = crate::inbox::queue();
    let worker = WorkerHandle::start("data:text/javascript,throw 1", &outbox);
    let stretch = Stretch::generate(Cost::DEFAULT, &mut crate::js::rng());
    assert_eq!(worker.stretch(&stretch, "x").await.unwrap_err(), PassphraseError::NoWorker);
}
