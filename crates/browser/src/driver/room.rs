//! Storage that is full: what is to be stored waits, and everything behind it, until there is room.

use gloo_timers::future::TimeoutFuture;
use sotto_engine::Change;

use super::{Driver, End};
use crate::{DriverEvent, inbox::Item, storage::StorageError};

/// How long after a refusal it is tried again, in milliseconds: at first, and at most.
const AGAIN_AFTER: u32 = 2_000;
const AGAIN_AFTER_MOST: u32 = 30_000;

impl Driver {
    /// Stores changes. While there is no room, nothing else is done and nothing is lost: what happens waits in the queue,
    /// whose bound on what comes from outside holds as always, and what depends on the changes follows once they are
    /// stored.
    pub(super) async fn persist(&mut self, changes: &[Change]) -> Result<(), End> {
        let mut pause = AGAIN_AFTER;
        let mut told = false;
        loop {
            match self.records.commit(changes).await {
                Err(StorageError::Full) => {}
                result => {
                    if told && result.is_ok() {
                        (self.on_event)(DriverEvent::StorageFull(false));
                    }
                    return Ok(result?);
                }
            }
            if !told {
                told = true;
                (self.on_event)(DriverEvent::StorageFull(true));
            }
            self.wait_for_room(pause).await?;
            pause = pause.saturating_mul(2).min(AGAIN_AFTER_MOST);
        }
    }

    /// Waits, for so many milliseconds at most, or until the user says that there is room. Whoever wants the client to
    /// stop need not wait.
    async fn wait_for_room(&mut self, pause: u32) -> Result<(), End> {
        let passed = TimeoutFuture::new(pause);
        let urgent = std::pin::pin!(self.inbox.take_urgent());
        match futures_util::future::select(urgent, passed).await {
            futures_util::future::Either::Left((Some(Item::Claimed(_)), _)) => Err(End::TakenOver),
            futures_util::future::Either::Left((Some(Item::Stop(answer)), _)) => {
                self.stopping = answer;
                Err(End::Asked)
            }
            futures_util::future::Either::Left((None, _)) => Err(End::Asked),
            futures_util::future::Either::Left((Some(_), _)) | futures_util::future::Either::Right(_) => {
                Ok(())
            }
        }
    }
}
