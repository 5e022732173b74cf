//! Files on their way and files being saved, as far as the page has to know of them.

use std::collections::{BTreeMap, BTreeSet};

use sotto_crypto::file::FileKey;
use sotto_engine::{
    Command, ContactId, FileId, Input, LocalFile, Notice, TransferAction, TransferEvent, TransferFailure,
};
use wasm_bindgen::JsValue;

use crate::{
    PickedFile, SaveError, SaveOutcome, download,
    inbox::Save,
    js::Task,
    transfer::{PassBytes, SaveReport, ToWorker, WorkerHandle, describe},
};

/// Picked files, running transfers and saves.
#[derive(Debug, Default)]
pub(super) struct Files {
    picked: BTreeMap<LocalFile, web_sys::File>,
    next_picked: u64,
    running: BTreeSet<FileId>,
    /// Saves that wait for the engine to open the file.
    opening: BTreeMap<FileId, Vec<Save>>,
    /// Saves that the worker is at.
    saving: BTreeMap<u32, Save>,
    next_save: u32,
    /// Plain copies that the browser is given time to take.
    downloads: Vec<Task>,
}

impl Files {
    /// Keeps a picked file and gives the command that offers it.
    pub(super) fn register(&mut self, contact: ContactId, picked: PickedFile) -> Command {
        let file = LocalFile(self.next_picked);
        self.next_picked += 1;
        self.picked.insert(file, picked.file);
        Command::OfferFile { contact, file, name: picked.name, size: picked.size, mime: picked.mime }
    }

    /// Whether any transfer is running.
    pub(super) fn is_active(&self) -> bool {
        !self.running.is_empty()
    }

    /// Whether this transfer is running; reports that a stopped one had sent before are stale.
    pub(super) fn is_running(&self, file: FileId) -> bool {
        self.running.contains(&file)
    }

    /// Takes note of what happened to a transfer; whether it was the last that ran.
    pub(super) fn has_ended(&mut self, file: FileId, event: &TransferEvent) -> bool {
        let ended = !matches!(event, TransferEvent::Progress(_));
        ended && self.running.remove(&file) && self.running.is_empty()
    }

    /// Does what the engine wants of a file. Gives a failure to be reported when it cannot be begun.
    pub(super) fn act(
        &mut self,
        file: FileId,
        action: TransferAction,
        worker: &WorkerHandle,
    ) -> Option<TransferEvent> {
        let failed = |failure| Some(TransferEvent::Failed(failure));
        match action {
            TransferAction::Send { link, file: picked, pass } => {
                let Some(picked) = self.picked.get(&picked) else {
                    return failed(TransferFailure::Unreadable);
                };
                let message = ToWorker::Send(link.0, file.0, PassBytes { pass: *pass.hand_over() });
                if worker.is_broken() || worker.post(&message, picked, false).is_err() {
                    return failed(TransferFailure::Storage);
                }
                self.running.insert(file);
            }
            TransferAction::Receive { link, key, size } => {
                if worker.is_broken() {
                    return failed(TransferFailure::Storage);
                }
                worker.tell(&ToWorker::Receive(link.0, describe(file, &key, size)));
                self.running.insert(file);
            }
            TransferAction::Cancel => {
                self.running.remove(&file);
                worker.tell(&ToWorker::Cancel(file.0));
            }
            TransferAction::Delete => {
                self.running.remove(&file);
                worker.tell(&ToWorker::Delete(file.0));
            }
            TransferAction::Open { key, size } => {
                for save in self.opening.remove(&file).unwrap_or_default() {
                    self.hand_to_worker(save, file, &key, size, worker);
                }
            }
            TransferAction::Release(picked) => {
                self.picked.remove(&picked);
            }
        }
        None
    }

    /// What every running transfer and save is told when the worker is no more.
    pub(super) fn worker_broke(&mut self) -> Vec<Input> {
        for save in core::mem::take(&mut self.saving).into_values() {
            answer(save, Err(SaveError::Refused));
        }
        let failed = TransferFailure::Storage;
        self.running.iter().map(|file| Input::Transfer(*file, TransferEvent::Failed(failed))).collect()
    }

    /// Keeps a wish to save and gives the command that opens the file.
    pub(super) fn begin_save(&mut self, save: Save) -> Command {
        let command = Command::OpenFile(save.contact, save.file);
        self.opening.entry(save.file).or_default().push(save);
        command
    }

    /// Takes note of a notice that answers a wish to save.
    pub(super) fn notice(&mut self, notice: &Notice) {
        if let Notice::FileGone(file) = notice {
            for save in self.opening.remove(file).unwrap_or_default() {
                answer(save, Err(SaveError::Gone));
            }
        }
    }

    /// The worker has written a file out, or not.
    pub(super) fn saved(&mut self, job: u32, report: SaveReport) {
        let Some(save) = self.saving.remove(&job) else { return };
        match report.into() {
            Ok(None) => answer(save, Ok(SaveOutcome::Saved)),
            Ok(Some(plain)) => {
                self.downloads.push(Task::spawn(async move {
                    let offered = download::offer(&plain, &save.name).await;
                    let url = offered.as_ref().ok().cloned();
                    answer(save, offered.map(|_| SaveOutcome::Saved));
                    download::clean_up(&plain, url).await;
                }));
            }
            Err(error) => answer(save, Err(error)),
        }
    }

    fn hand_to_worker(&mut self, save: Save, file: FileId, key: &FileKey, size: u64, worker: &WorkerHandle) {
        let job = self.next_save;
        self.next_save = self.next_save.wrapping_add(1);
        let target = save.target.as_ref().map_or(JsValue::UNDEFINED, Into::into);
        if worker.is_broken()
            || worker.post(&ToWorker::Save(job, describe(file, key, size)), &target, false).is_err()
        {
            answer(save, Err(SaveError::Refused));
        } else {
            self.saving.insert(job, save);
        }
    }
}

fn answer(save: Save, outcome: Result<SaveOutcome, SaveError>) {
    // The page may not wait any more.
    let _ = save.answer.send(outcome);
}
