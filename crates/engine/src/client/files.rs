//! Files between two people: offer, answer, turn, root.

use sotto_crypto::file::{FileError, FilePass};
use sotto_wire::FixedBytes;
use sotto_wire::peer::{CancelReason, Content as Said, LinkFrame, Manifest, Text, limits};

use super::Client;
use crate::transfer::{Transfer, reason, state};
use crate::turn::{Key, Turn};
use crate::{
    ContactId, Delivery, Event, FileFailure, FileId, FileState, FileView, LinkAction, LinkId, LocalFile,
    MessageId, MessageOrder, Notice, Output, Timestamp, TransferAction, TransferEvent, policy, text,
};

fn wire(file: FileId) -> sotto_crypto::FileId {
    sotto_crypto::FileId::from_bytes(file.0)
}

fn own(file: sotto_crypto::FileId) -> FileId {
    FileId(*file.as_bytes())
}

impl Client {
    pub(super) fn offer_file(
        &mut self,
        id: ContactId,
        local: LocalFile,
        name: &str,
        size: u64,
        mime: &str,
        turn: &mut Turn<'_>,
    ) {
        let pass = self.new_pass(size, turn);
        let refused = if pass.is_err() {
            Some(Notice::FileTooLarge)
        } else if self.transfers.open_with(id) >= policy::TRANSFERS_MAX {
            Some(Notice::TooManyFiles(id))
        } else if self.waiting(id) >= policy::WAITING_MAX {
            Some(Notice::TooManyWaiting(id))
        } else {
            None
        };
        let writable = self.contacts.get(&id).is_some_and(crate::contact::Contact::may_be_written_to);
        let pass = match pass {
            Ok(pass) if refused.is_none() && writable => pass,
            _ => {
                refused.into_iter().for_each(|notice| turn.event(Event::Notice(notice)));
                turn.output(Output::Transfer(FileId([0; 16]), TransferAction::Release(local)));
                return;
            }
        };
        let file = own(pass.header().file_id());
        let name = text::shorten(name, limits::FILE_NAME_MAX).to_owned();
        let mime = if mime.len() <= limits::MIME_MAX { mime.to_owned() } else { String::new() };
        let view = FileView {
            id: file,
            name: text::clean_file_name(&name),
            size,
            mime: mime.clone(),
            state: FileState::Offered,
        };
        let manifest = Manifest {
            version: limits::FILE_VERSION,
            file: wire(file),
            key: pass.key(),
            size,
            root: None,
            name: Text::new(name).unwrap_or_default(),
            mime: Text::new(mime).unwrap_or_default(),
        };
        let message = MessageId(turn.random());
        let Some(order) = self.say(id, message, Said::FileOffer(manifest), turn) else { return };
        let transfer = Transfer {
            contact: id,
            message,
            order,
            sent_at: turn.now,
            delivery: Delivery::Waiting,
            view,
            key: pass.key(),
            own_root: None,
            their_root: None,
            local: Some(local),
            pass: Some(pass),
        };
        self.transfers.by_file.insert(file, transfer);
        self.show_file(file, turn);
    }

    /// Id and key of a file to send, whose short name on the file channel is free.
    fn new_pass(&self, size: u64, turn: &mut Turn<'_>) -> Result<FilePass, FileError> {
        loop {
            let pass = FilePass::generate(size, turn.rng)?;
            if !self.transfers.collides(own(pass.header().file_id())) {
                return Ok(pass);
            }
        }
    }

    fn show_file(&mut self, file: FileId, turn: &mut Turn<'_>) {
        if let Some(transfer) = self.transfers.by_file.get(&file) {
            let (contact, view) = (transfer.contact, transfer.message_view());
            turn.dirty(Key::Transfer(file));
            self.show(contact, view, turn);
        }
    }

    /// Changes a file's state. Everything that follows from its end happens here.
    fn set_file(&mut self, file: FileId, state: FileState, turn: &mut Turn<'_>) {
        let Some(transfer) = self.transfers.by_file.get_mut(&file) else { return };
        transfer.view.state = state;
        let contact = transfer.contact;
        if transfer.is_over() {
            if let Some(local) = transfer.local.take() {
                turn.output(Output::Transfer(file, TransferAction::Release(local)));
            }
            if self.transfers.sending.get(&contact) == Some(&file) {
                self.transfers.sending.remove(&contact);
            }
        }
        self.show_file(file, turn);
        self.drop_transfer_if_done(file, turn);
        turn.pump.insert(contact);
    }

    /// Forgets a file of which nothing more will be heard.
    pub(super) fn drop_transfer_if_done(&mut self, file: FileId, turn: &mut Turn<'_>) {
        if self.transfers.by_file.get(&file).is_some_and(|transfer| !transfer.is_needed()) {
            self.transfers.by_file.remove(&file);
            turn.dirty(Key::Transfer(file));
        }
    }

    fn tell(&mut self, contact: ContactId, content: Said, turn: &mut Turn<'_>) {
        // Offers make answers, and a contact that acknowledges none must not fill this device with them.
        if self.waiting(contact) >= policy::ANSWERS_MAX {
            turn.log("file: too many answers wait");
            return;
        }
        let message = MessageId(turn.random());
        self.say(contact, message, content, turn);
    }

    /// A contact offers a file.
    pub(super) fn file_offered(
        &mut self,
        id: ContactId,
        message: MessageId,
        order: MessageOrder,
        sent_at: Timestamp,
        manifest: Manifest,
        turn: &mut Turn<'_>,
    ) {
        let file = own(manifest.file);
        if self.transfers.by_file.contains_key(&file)
            || self.transfers.collides(file)
            || self.transfers.open_with(id) >= policy::TRANSFERS_MAX
            || self.transfers.by_file.len() >= policy::FILES_KEPT_MAX
        {
            turn.log("file: an offer that cannot be taken");
            if self.transfers.open_with(id) >= policy::TRANSFERS_MAX {
                self.floods(id, turn);
            }
            self.tell(id, Said::FileDecline { file: manifest.file }, turn);
            return;
        }
        let view = FileView {
            id: file,
            name: text::clean_file_name(manifest.name.as_str()),
            size: manifest.size,
            mime: manifest.mime.as_str().chars().filter(char::is_ascii_graphic).collect(),
            state: FileState::Offered,
        };
        let transfer = Transfer {
            contact: id,
            message,
            order,
            sent_at,
            delivery: Delivery::Incoming,
            view,
            key: manifest.key,
            own_root: None,
            their_root: manifest.root.map(FixedBytes::from),
            local: None,
            pass: None,
        };
        self.transfers.by_file.insert(file, transfer);
        if let Some(contact) = self.contacts.get_mut(&id) {
            contact.conversation.unread(order);
        }
        self.show_file(file, turn);
    }

    /// A file of this contact, on the side that is asked for, that is not over.
    fn running(&self, contact: ContactId, file: FileId, mine: bool) -> Option<&Transfer> {
        self.transfers.by_file.get(&file).filter(|transfer| {
            transfer.contact == contact && transfer.is_mine() == mine && !transfer.is_over()
        })
    }

    pub(super) fn accept_file(&mut self, id: ContactId, message: MessageId, turn: &mut Turn<'_>) {
        let Some(file) = self.transfers.find(id, message) else { return };
        let offered =
            self.running(id, file, false).is_some_and(|transfer| transfer.view.state == FileState::Offered);
        if offered && self.contacts.get(&id).is_some_and(crate::contact::Contact::may_be_written_to) {
            self.set_file(file, FileState::Accepted, turn);
            self.tell(id, Said::FileAccept { file: wire(file) }, turn);
        }
    }

    pub(super) fn decline_file(&mut self, id: ContactId, message: MessageId, turn: &mut Turn<'_>) {
        let Some(file) = self.transfers.find(id, message) else { return };
        if self.running(id, file, false).is_some_and(|transfer| transfer.view.state == FileState::Offered) {
            self.tell(id, Said::FileDecline { file: wire(file) }, turn);
            self.set_file(file, FileState::Declined, turn);
        }
    }

    /// The user stops a transfer or withdraws an offer.
    pub(super) fn cancel_file(&mut self, id: ContactId, message: MessageId, turn: &mut Turn<'_>) {
        let Some(file) = self.transfers.find(id, message) else { return };
        let running = self.running(id, file, true).or_else(|| self.running(id, file, false));
        if running.is_some() {
            self.stop_file(file, CancelReason::Stopped, turn);
        }
    }

    /// Ends a file on this side and tells the other.
    fn stop_file(&mut self, file: FileId, why: CancelReason, turn: &mut Turn<'_>) {
        let Some(transfer) = self.transfers.by_file.get(&file) else { return };
        let contact = transfer.contact;
        if matches!(transfer.view.state, FileState::Transferring | FileState::Accepted) {
            turn.output(Output::Transfer(file, TransferAction::Cancel));
        }
        self.tell(contact, Said::FileCancel { file: wire(file), reason: why }, turn);
        self.set_file(file, state(why, true), turn);
    }

    pub(super) fn file_accepted(&mut self, id: ContactId, file: sotto_crypto::FileId, turn: &mut Turn<'_>) {
        let file = own(file);
        let offered =
            self.running(id, file, true).is_some_and(|transfer| transfer.view.state == FileState::Offered);
        if offered {
            self.set_file(file, FileState::Accepted, turn);
        } else {
            turn.log("file: accepted, but not offered");
            self.is_unknown(id, file, turn);
        }
    }

    /// The other side waits for a file of which nothing is known here, since its record was lost or it has ended: it is
    /// not to wait for ever, nor what stands behind it.
    fn is_unknown(&mut self, contact: ContactId, file: FileId, turn: &mut Turn<'_>) {
        if self.transfers.by_file.contains_key(&file) {
            return;
        }
        // No more than could ever have been open, or whoever makes files up has an answer stored for each.
        let answered = &mut self.lanes.entry(contact).or_default().unknown_files;
        if *answered >= policy::TRANSFERS_MAX {
            turn.log("file: too many that are not known");
            return;
        }
        *answered = answered.saturating_add(1);
        let reason = CancelReason::DeviceFailed;
        self.tell(contact, Said::FileCancel { file: wire(file), reason }, turn);
    }

    pub(super) fn file_declined(&mut self, id: ContactId, file: sotto_crypto::FileId, turn: &mut Turn<'_>) {
        let file = own(file);
        if self.running(id, file, true).is_some_and(|transfer| transfer.view.state == FileState::Offered) {
            self.set_file(file, FileState::Declined, turn);
        } else {
            turn.log("file: declined, but not offered");
        }
    }

    pub(super) fn file_cancelled(
        &mut self,
        id: ContactId,
        file: sotto_crypto::FileId,
        why: CancelReason,
        turn: &mut Turn<'_>,
    ) {
        let file = own(file);
        let running = self.running(id, file, true).or_else(|| self.running(id, file, false));
        let Some(transfer) = running else {
            turn.log("file: cancelled, but not running");
            return;
        };
        if matches!(transfer.view.state, FileState::Transferring | FileState::Accepted) {
            turn.output(Output::Transfer(file, TransferAction::Cancel));
        }
        self.set_file(file, state(why, false), turn);
    }

    /// Tells the receiver that it is the next file's turn; one is sent to a contact at a time.
    pub(super) fn start_next_file(&mut self, id: ContactId, link: LinkId, turn: &mut Turn<'_>) {
        if let Some(file) = self.transfers.next_to_send(id) {
            self.transfers.sending.insert(id, file);
            let frame = LinkFrame::FileStart { file: wire(file) };
            turn.output(Output::Link(link, LinkAction::Send(frame.encode())));
        }
    }

    /// The sender says that it is this file's turn: chunks are expected before it hears so.
    pub(super) fn file_starts(&mut self, id: ContactId, link: LinkId, file: FileId, turn: &mut Turn<'_>) {
        let accepted =
            self.running(id, file, false).filter(|transfer| transfer.view.state == FileState::Accepted);
        let Some(transfer) = accepted else {
            turn.log("file: a turn of a file that was not accepted");
            self.is_unknown(id, file, turn);
            return;
        };
        let (key, size) = (transfer.key(), transfer.view.size);
        turn.output(Output::Transfer(file, TransferAction::Receive { link, key, size }));
        self.set_file(file, FileState::Transferring, turn);
        let frame = LinkFrame::FileReady { file: wire(file) };
        turn.output(Output::Link(link, LinkAction::Send(frame.encode())));
    }

    /// The receiver is ready for this file.
    pub(super) fn file_ready(&mut self, id: ContactId, link: LinkId, file: FileId, turn: &mut Turn<'_>) {
        let next = self.transfers.sending.get(&id) == Some(&file);
        let accepted =
            self.running(id, file, true).filter(|transfer| transfer.view.state == FileState::Accepted);
        let ready = accepted.is_some() && next;
        let transfer = self.transfers.by_file.get_mut(&file).filter(|_| ready);
        let Some((local, pass)) =
            transfer.and_then(|transfer| Some((transfer.local?, transfer.pass.take()?)))
        else {
            turn.log("file: ready for a file whose turn it is not");
            return;
        };
        turn.output(Output::Transfer(file, TransferAction::Send { link, file: local, pass }));
        self.set_file(file, FileState::Transferring, turn);
    }

    /// The worker that moves a file reports.
    pub(super) fn transfer_event(&mut self, file: FileId, event: TransferEvent, turn: &mut Turn<'_>) {
        let Some(transfer) = self.transfers.by_file.get_mut(&file) else { return };
        if transfer.view.state != FileState::Transferring {
            return;
        }
        let (contact, mine) = (transfer.contact, transfer.is_mine());
        match event {
            TransferEvent::Progress(done) => turn.event(Event::Progress { file, done }),
            TransferEvent::Sent { root } if mine => {
                transfer.own_root = Some(root.into());
                if let Some(local) = transfer.local.take() {
                    turn.output(Output::Transfer(file, TransferAction::Release(local)));
                }
                turn.dirty(Key::Transfer(file));
                if self.transfers.sending.get(&contact) == Some(&file) {
                    self.transfers.sending.remove(&contact);
                }
                self.tell(contact, Said::FileRoot { file: wire(file), root }, turn);
                self.compare_roots(file, turn);
                turn.pump.insert(contact);
            }
            TransferEvent::Received { root } if !mine => {
                transfer.own_root = Some(root.into());
                turn.dirty(Key::Transfer(file));
                self.compare_roots(file, turn);
            }
            TransferEvent::Failed(_) if transfer.own_root.is_some() => {
                // Everything is there already; only the other side's word is missing.
            }
            TransferEvent::Failed(failure) => {
                let why = reason(failure);
                self.tell(contact, Said::FileCancel { file: wire(file), reason: why }, turn);
                self.set_file(file, state(why, true), turn);
            }
            TransferEvent::Sent { .. } | TransferEvent::Received { .. } => {
                turn.log("driver: a transfer's end on the wrong side");
            }
        }
    }

    /// The other side names the root of a file.
    pub(super) fn file_root(
        &mut self,
        id: ContactId,
        file: sotto_crypto::FileId,
        root: [u8; 32],
        turn: &mut Turn<'_>,
    ) {
        let file = own(file);
        let running = self
            .transfers
            .by_file
            .get_mut(&file)
            .filter(|transfer| transfer.contact == id && transfer.view.state == FileState::Transferring);
        let Some(transfer) = running else {
            turn.log("file: the root of a file that is not running");
            return;
        };
        // Once, and never another: a second root would let the sender change its mind about what was sent.
        if transfer.their_root.is_none() {
            transfer.their_root = Some(root.into());
            turn.dirty(Key::Transfer(file));
        }
        self.compare_roots(file, turn);
    }

    fn compare_roots(&mut self, file: FileId, turn: &mut Turn<'_>) {
        let Some(transfer) = self.transfers.by_file.get(&file) else { return };
        let (contact, mine) = (transfer.contact, transfer.is_mine());
        match transfer.roots_agree() {
            Some(true) => {
                if let Some(root) = transfer.own_root.filter(|_| !mine) {
                    self.tell(contact, Said::FileRoot { file: wire(file), root: root.into() }, turn);
                }
                self.set_file(file, FileState::Verified, turn);
            }
            Some(false) => self.stop_file(file, CancelReason::Corrupt, turn),
            None => {}
        }
    }

    pub(super) fn open_file(&mut self, id: ContactId, file: FileId, turn: &mut Turn<'_>) {
        match self.kept(id, file) {
            Some(transfer) => {
                let open = TransferAction::Open { key: transfer.key(), size: transfer.view.size };
                turn.output(Output::Transfer(file, open));
            }
            None => turn.event(Event::Notice(Notice::FileGone(file))),
        }
    }

    pub(super) fn delete_file(&mut self, id: ContactId, file: FileId, turn: &mut Turn<'_>) {
        if self.kept(id, file).is_some() {
            turn.output(Output::Transfer(file, TransferAction::Delete));
            self.set_file(file, FileState::Deleted, turn);
        }
    }

    /// A received file that is on this device.
    fn kept(&self, id: ContactId, file: FileId) -> Option<&Transfer> {
        self.transfers.by_file.get(&file).filter(|transfer| {
            transfer.contact == id && !transfer.is_mine() && transfer.view.state == FileState::Verified
        })
    }

    /// After a start: what was on its way has no worker any more, and what was picked is not held any more.
    pub(super) fn fail_interrupted(&mut self, turn: &mut Turn<'_>) {
        let interrupted: Vec<FileId> = self
            .transfers
            .by_file
            .iter()
            .filter(|(_, transfer)| {
                let unfinished = transfer.own_root.is_none();
                match transfer.view.state {
                    FileState::Transferring => unfinished,
                    FileState::Offered | FileState::Accepted => transfer.is_mine(),
                    _ => false,
                }
            })
            .map(|(file, _)| *file)
            .collect();
        for file in interrupted {
            self.stop_file(file, CancelReason::Interrupted, turn);
        }
    }

    /// The conversation is over: nothing of it goes on. What is kept stays, unless the contact is removed.
    pub(super) fn stop_files(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let running: Vec<FileId> = self
            .transfers
            .by_file
            .iter()
            .filter(|(_, transfer)| transfer.contact == id && !transfer.is_over())
            .map(|(file, _)| *file)
            .collect();
        for file in running {
            turn.output(Output::Transfer(file, TransferAction::Cancel));
            self.set_file(file, FileState::Failed(FileFailure::Interrupted), turn);
        }
        self.transfers.sending.remove(&id);
    }

    /// The contact is removed: its files go with it.
    pub(super) fn delete_files(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let files: Vec<FileId> = self
            .transfers
            .by_file
            .iter()
            .filter(|(_, transfer)| transfer.contact == id)
            .map(|(file, _)| *file)
            .collect();
        for file in files {
            if let Some(transfer) = self.transfers.by_file.remove(&file)
                && !transfer.is_mine()
            {
                turn.output(Output::Transfer(file, TransferAction::Delete));
            }
            turn.dirty(Key::Transfer(file));
        }
    }
}
