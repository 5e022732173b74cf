use std::{cell::RefCell, rc::Rc};

use wasm_bindgen_test::wasm_bindgen_test;

use super::worker_url;
use crate::{DriverEvent, Options, Sotto, StartError, notify::Notify};

#[derive(Default)]
struct Screen {
    events: RefCell<Vec<DriverEvent>>,
    changed: Notify,
}

async fn start(take_over: bool) -> Result<(Sotto, Rc<Screen>), StartError> {
    let screen = Rc::<Screen>::default();
    let options = Options { take_over, worker_url: worker_url() };
    let sotto = Sotto::start(options, {
        let screen = Rc::clone(&screen);
        move |event| {
            screen.events.borrow_mut().push(event);
            screen.changed.notify();
        }
    });
    Ok((sotto.await?, screen))
}

impl Screen {
    async fn shows(&self, wanted: impl Fn(&DriverEvent) -> bool) {
        self.changed.until(|| self.events.borrow().iter().any(&wanted).then_some(())).await;
    }
}

#[wasm_bindgen_test]
async fn only_one_runs_and_another_can_take_over_and_wipe() {
    let (first, first_screen) = start(false).await.unwrap();
    assert_eq!(start(false).await.err(), Some(StartError::OtherTab));
    let (second, second_screen) = start(true).await.unwrap();
    first_screen.shows(|event| *event == DriverEvent::TakenOver).await;
    assert!(!second_screen.events.borrow().contains(&DriverEvent::TakenOver));
    drop(first);
    assert!(second.storage().await.is_some_and(|storage| storage.quota > 0));
    second.wipe().await.unwrap();
}
