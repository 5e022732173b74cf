//! The device: its keys and what each line does.

use std::collections::BTreeMap;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_core::Rng;
use serde_json::{Value, json};
use sotto_crypto::envelope::{self, Address, SealedEnvelope, Sender, TagKey};
use sotto_crypto::file::{
    CHUNK_OVERHEAD, FileHeader, FileOpener, FilePass, FileRoot, FileSealer, TreeHasher,
};
use sotto_crypto::invite::InviteSecret;
use sotto_crypto::keys::{
    AccountKey, AccountPublic, DeliveryKey, DeviceIdentityKey, DevicePublic, DeviceSigningKey, OneTimePreKey,
    OneTimePreKeyPublic, SignedPreKey,
};
use sotto_crypto::ratchet::{MessageKind, Preview, Session};
use sotto_crypto::safety_number::{Fingerprint, SafetyNumber};
use sotto_crypto::x3dh::{self, ResponderKeys};
use sotto_crypto::{DeliveryKeyId, DeliveryToken, DeviceId, InviteId, MailboxId, PreKeyId, Timestamp};
use sotto_testkit::vectors::form::hex;
use sotto_testkit::vectors::primitives::sha256;
use sotto_wire::peer::codec::{decode, encode};
use sotto_wire::peer::{
    Body, Bundle, Carried, Content, DeviceList, Ephemeral, FirstPrefix, InviteContents, InviteLink,
    ListedDevice, Manifest, Message, Text, UnsignedBundle, limits,
};

use crate::contact::{Contact, Running};
use crate::line::{Answer, Line, Refusal};

/// One device of one account, with at most one contact.
pub struct Device {
    rng: ChaCha12Rng,
    now: Timestamp,
    identity: DeviceIdentityKey,
    device: DevicePublic,
    list: DeviceList,
    bundle: Vec<u8>,
    signed_prekey: SignedPreKey,
    one_time: BTreeMap<u32, OneTimePreKey>,
    next_id: u32,
    delivery: DeliveryKey,
    mailbox: MailboxId,
    token: DeliveryToken,
    /// Open invites with the number of their one-time prekey.
    invites: BTreeMap<InviteId, (InviteSecret, u32)>,
    /// Tag keys of all invites ever made or used here.
    tags: BTreeMap<InviteId, TagKey>,
    contact: Option<Contact>,
}

impl Device {
    pub fn new(seed: [u8; 32], now: u64) -> Result<Self, Refusal> {
        let mut rng = ChaCha12Rng::from_seed(seed);
        let now = Timestamp::from_millis(now);
        let account = AccountKey::generate(&mut rng);
        let signing = DeviceSigningKey::generate(&mut rng);
        let identity = DeviceIdentityKey::generate(&mut rng);
        let id = DeviceId::generate(&mut rng);
        let device = DevicePublic::new(account.public(), id, signing.public(), identity.public())?;
        let listed = ListedDevice { id, signing: signing.public(), identity: identity.public() };
        let list = DeviceList::sign(&account, 1, [0; 32], vec![listed], &mut rng)?;
        let signed_prekey = SignedPreKey::generate(PreKeyId(1), &mut rng);
        let delivery = DeliveryKey::generate(DeliveryKeyId(1), &mut rng);
        let bundle = UnsignedBundle {
            device,
            signed_prekey: signed_prekey.public(),
            delivery: delivery.public(),
            created: now,
        };
        let bundle = bundle.sign(&signing, &mut rng);
        let mailbox = MailboxId::generate(&mut rng);
        let token = DeliveryToken::generate(&mut rng);
        Ok(Self {
            rng,
            now,
            identity,
            device,
            list,
            bundle,
            signed_prekey,
            one_time: BTreeMap::new(),
            next_id: 1,
            delivery,
            mailbox,
            token,
            invites: BTreeMap::new(),
            tags: BTreeMap::new(),
            contact: None,
        })
    }

    pub fn told(&mut self) -> Value {
        json!({
            "opk": self.one_time_prekey(),
            "account": hex(self.device.account().as_bytes()),
            "account_id": hex(self.device.account().id().as_bytes()),
            "device_id": hex(self.device.device_id().as_bytes()),
            "device_list": hex(self.list.as_bytes()),
            "bundle": hex(&self.bundle),
            "mailbox": hex(self.mailbox.as_bytes()),
            "token": hex(self.token.to_bytes().as_slice()),
        })
    }

    pub fn set_clock(&mut self, now: u64) -> Answer {
        self.now = Timestamp::from_millis(now);
        Ok(json!({}))
    }

    fn new_one_time(&mut self) -> OneTimePreKeyPublic {
        let key = OneTimePreKey::generate(PreKeyId(self.next_id), &mut self.rng);
        let public = key.public();
        self.one_time.insert(self.next_id, key);
        self.next_id += 1;
        public
    }

    pub fn one_time_prekey(&mut self) -> Value {
        let key = self.new_one_time();
        json!({ "id": key.id().0, "public": hex(key.as_bytes()) })
    }

    pub fn invite(&mut self, origin: &str, name: &str) -> Answer {
        let secret = InviteSecret::generate(&mut self.rng);
        let one_time = self.new_one_time();
        let link = InviteLink {
            secret: InviteSecret::from_bytes(&secret.to_bytes()),
            account: self.device.account().hash(),
        };
        let token = DeliveryToken::from_bytes(&self.token.to_bytes());
        let contents = InviteContents::encode(&self.list, &self.bundle, one_time, self.mailbox, token);
        let card = secret.seal_name(name.as_bytes(), &mut self.rng)?;
        let sealed = secret.seal_bundle(&contents, &mut self.rng)?;
        let id = secret.id();
        self.tags.insert(id, secret.tag_key());
        self.invites.insert(id, (secret, one_time.id().0));
        Ok(json!({ "link": link.format(origin), "card": hex(card), "box": hex(sealed) }))
    }

    /// Who a line names, all of it verified.
    fn stranger(&self, line: &Line) -> Result<(Bundle, Address), Refusal> {
        let list = DeviceList::decode(&line.bytes("device_list")?)?;
        let bundle = Bundle::decode(&line.bytes("bundle")?, &list, self.now)?;
        let mailbox = MailboxId::from_bytes(line.array("mailbox")?);
        Ok((bundle, Address { mailbox, delivery_key: *bundle.delivery() }))
    }

    pub fn meet(&mut self, line: &Line) -> Answer {
        let (bundle, address) = self.stranger(line)?;
        self.pin(*bundle.device(), Some(address))?;
        Ok(json!({}))
    }

    /// The contact is this device, from now on if there was none.
    fn pin(&mut self, device: DevicePublic, address: Option<Address>) -> Result<&mut Contact, Refusal> {
        let contact = self.contact.get_or_insert_with(|| Contact::new(device, None));
        if contact.device != device {
            return Err(Refusal::of("unlisted-device"));
        }
        contact.address = address.or(contact.address);
        Ok(contact)
    }

    pub fn begin(&mut self, line: &Line) -> Answer {
        let mut name = Value::Null;
        let (bundle, one_time, address, secret) = if line.has("link") {
            let link = InviteLink::parse(line.text("link")?, line.text("origin")?)?;
            name = String::from_utf8(link.secret.open_name(&line.bytes("card")?)?.to_vec())?.into();
            let contents = link.secret.open_bundle(&line.bytes("box")?)?;
            let contents = InviteContents::decode(&contents, &link.account, self.now)?;
            let address = Address { mailbox: contents.mailbox, delivery_key: *contents.bundle.delivery() };
            (contents.bundle, Some(contents.one_time), address, Some(link.secret))
        } else {
            let (bundle, address) = self.stranger(line)?;
            let one_time = if line.has("opk") {
                let key = line.inside("opk")?;
                let id = PreKeyId(u32::try_from(key.number("id")?)?);
                Some(OneTimePreKeyPublic::from_bytes(id, &key.array("public")?)?)
            } else {
                None
            };
            (bundle, one_time, address, None)
        };
        let peer = bundle.peer_keys(one_time);
        let credential = secret.as_ref().map(InviteSecret::credential);
        let (agreement, keys) =
            x3dh::initiate(&self.device, &self.identity, &peer, credential.as_ref(), &mut self.rng)?;
        let session = Session::initiate(&agreement, &mut self.rng);
        let prefix = FirstPrefix { device_list: self.list.clone(), keys };
        if let Some(secret) = secret {
            self.tags.insert(secret.id(), secret.tag_key());
        }
        let contact = self.pin(*bundle.device(), Some(address))?;
        let id = contact.began(Running { session, prefix: Some(prefix) });
        Ok(json!({ "session_id": hex(id.as_bytes()), "name": name }))
    }

    pub fn say(&mut self, text: &str) -> Answer {
        let content = Content::Text { text: Text::new(text.to_owned())? };
        let mut message_id = [0; 16];
        self.rng.fill_bytes(&mut message_id);
        let contact = self.contact.as_mut().ok_or_else(|| Refusal::of("unknown-contact"))?;
        let current = contact.current.ok_or_else(|| Refusal::of("no-session"))?;
        // Whoever has begun and has no answer yet tells where it is to be answered.
        let tells = contact.sessions[&current].session.is_unanswered();
        let body = Body {
            message_id,
            sequence: contact.sequence + 1,
            previous: contact.previous,
            lamport: contact.lamport + 1,
            sent_at: self.now.as_millis(),
            list_version: self.list.version(),
            list_hash: *self.list.hash(),
            content,
            delivery: tells.then(|| self.delivery.public()),
            token: None,
            mailbox: tells.then_some(self.mailbox),
            era: None,
        };
        (contact.sequence, contact.lamport) = (body.sequence, body.lamport);
        let plaintext = Message::Body(body).encode();
        contact.previous = Message::body_hash(&plaintext);
        let running = contact.sessions.get_mut(&current).expect("the current one is there");
        let ratchet = running.session.seal(&plaintext, &mut self.rng)?;
        self.seal(&ratchet)
    }

    pub fn whisper(&mut self, attempt: u64) -> Answer {
        let plaintext = Ephemeral::HangUp { attempt }.encode();
        let contact = self.contact.as_mut().ok_or_else(|| Refusal::of("unknown-contact"))?;
        let current = contact.current.ok_or_else(|| Refusal::of("no-session"))?;
        let running = contact.sessions.get_mut(&current).expect("the current one is there");
        let ratchet = running.session.seal_ephemeral(&plaintext, &mut self.rng)?;
        self.seal(&ratchet)
    }

    /// Puts a ratchet message of the current session into an envelope.
    fn seal(&mut self, ratchet: &[u8]) -> Answer {
        let contact = self.contact.as_mut().ok_or_else(|| Refusal::of("unknown-contact"))?;
        let current = contact.current.ok_or_else(|| Refusal::of("no-session"))?;
        let running = contact.sessions.get_mut(&current).expect("the current one is there");
        let prefix = running.prefix.as_ref().filter(|_| running.session.is_unanswered());
        let address = contact.address.ok_or_else(|| Refusal::of("unknown-mailbox"))?;
        let invite = prefix.and_then(|prefix| prefix.keys.invite_id);
        let between = TagKey::between(&self.identity, contact.device.identity());
        let tag_key = invite.map_or(&between, |id| &self.tags[&id]);
        let carried = Carried::encode(prefix, ratchet);
        let sender = Sender { account: self.device.account().id(), device: self.device.device_id() };
        let blob = envelope::seal(&address, sender, tag_key, &carried, &mut self.rng)?;
        Ok(json!({ "blob": hex(blob) }))
    }

    pub fn hear(&mut self, blob: &[u8]) -> Answer {
        let opened = SealedEnvelope::parse(blob)?.open(self.mailbox, &self.delivery)?;
        let sender = opened.claimed_sender();
        if sender.account == self.device.account().id() {
            return Err(Refusal::of("own-account"));
        }
        let carried = Carried::decode(opened.unverified_message())?;
        let peer = match &carried.first {
            Some(first) if first.device_list.account().id() != sender.account => {
                return Err(Refusal::of("wrong-account"));
            }
            Some(first) => {
                *first.device_list.device(sender.device).ok_or_else(|| Refusal::of("unlisted-device"))?
            }
            None => self.contact.as_ref().ok_or_else(|| Refusal::of("unknown-sender"))?.device,
        };
        let known = self.contact.as_ref().is_some_and(|contact| contact.device == peer);
        if (peer.account().id(), peer.device_id()) != (sender.account, sender.device) {
            return Err(Refusal::of("unknown-sender"));
        }
        let invite = carried.first.as_ref().and_then(|first| first.keys.invite_id);
        let between = TagKey::between(&self.identity, peer.identity());
        let tag_key = match invite {
            Some(id) => self.tags.get(&id).ok_or_else(|| Refusal::of("unknown-invite"))?,
            None if known => &between,
            None => return Err(Refusal::of("unknown-sender")),
        };
        opened.verify(tag_key)?;
        self.hear_ratchet(peer, &carried)
    }

    fn hear_ratchet(&mut self, peer: DevicePublic, carried: &Carried) -> Answer {
        let preview = Preview::of(&carried.ratchet)?;
        let id = preview.session_id;
        let is_known = self
            .contact
            .as_ref()
            .is_some_and(|contact| contact.device == peer && contact.sessions.contains_key(&id));
        if !is_known {
            return self.hear_first(peer, carried);
        }
        let contact = self.contact.as_mut().expect("known");
        let running = contact.sessions.get_mut(&id).expect("known");
        let before = running.session.to_bytes();
        let opened = match preview.kind {
            MessageKind::Message => running.session.open(&carried.ratchet, self.now)?,
            MessageKind::Ephemeral => running.session.open_ephemeral(&carried.ratchet, self.now)?,
        };
        let read = match preview.kind {
            MessageKind::Message => self.read(&opened),
            MessageKind::Ephemeral => whispered(&opened),
        };
        match read {
            Ok(mut told) => {
                told["session_id"] = hex(id.as_bytes()).into();
                told["begun"] = false.into();
                Ok(told)
            }
            Err(refusal) => {
                let session = Session::from_bytes(&before).expect("as stored");
                let contact = self.contact.as_mut().expect("known");
                contact.sessions.get_mut(&id).expect("known").session = session;
                Err(refusal)
            }
        }
    }

    /// A message of no session that is known: the first of one, if it carries what X3DH needs.
    fn hear_first(&mut self, peer: DevicePublic, carried: &Carried) -> Answer {
        let first = carried.first.as_ref().ok_or_else(|| Refusal::of("unknown-session"))?;
        let one_time = match first.keys.opk_id {
            Some(id) => Some(self.one_time.get(&id.0).ok_or_else(|| Refusal::of("other-keys"))?),
            None => None,
        };
        let invite = match first.keys.invite_id {
            Some(id) => Some(self.invites.get(&id).ok_or_else(|| Refusal::of("invite-used"))?),
            None => None,
        };
        if invite.is_some_and(|(_, opk)| first.keys.opk_id != Some(PreKeyId(*opk))) {
            return Err(Refusal::of("other-keys"));
        }
        let credential = invite.map(|(secret, _)| secret.credential());
        let keys = ResponderKeys {
            device: &self.device,
            identity: &self.identity,
            signed_prekey: &self.signed_prekey,
            one_time_prekey: one_time,
            invite: credential.as_ref(),
        };
        let agreement = x3dh::respond(&keys, &peer, &first.keys)?;
        if self.contact.as_ref().is_some_and(|contact| contact.accepted.contains(&agreement.session_id())) {
            return Err(Refusal::of("session-known"));
        }
        let (session, plaintext) = Session::respond(&agreement, &carried.ratchet, self.now)?;
        let id = session.id();
        if let Message::Body(_) = Message::decode(&plaintext)? {
            self.pin(peer, None)?.accepted(session);
            if let Some(id) = first.keys.opk_id {
                self.one_time.remove(&id.0);
            }
            if let Some(id) = first.keys.invite_id {
                self.invites.remove(&id);
            }
            let mut told = self.read(&plaintext)?;
            told["session_id"] = hex(id.as_bytes()).into();
            told["begun"] = true.into();
            return Ok(told);
        }
        Err(Refusal::of("no-body"))
    }

    fn read(&mut self, plaintext: &[u8]) -> Answer {
        let Message::Body(body) = Message::decode(plaintext)? else { return Err(Refusal::of("no-body")) };
        let Content::Text { text } = &body.content else { return Err(Refusal::of("no-text")) };
        let contact = self.contact.as_mut().expect("its session opened");
        let told = json!({
            "text": text.as_str(),
            "sequence": body.sequence,
            "lamport": body.lamport,
            "previous_fits": contact.note(&body, plaintext),
        });
        let mailbox = body.mailbox.or(contact.address.map(|address| address.mailbox));
        let delivery_key = body.delivery.or(contact.address.map(|address| address.delivery_key));
        if let (Some(mailbox), Some(delivery_key)) = (mailbox, delivery_key) {
            contact.address = Some(Address { mailbox, delivery_key });
        }
        Ok(told)
    }

    pub fn state(&self) -> String {
        let mut bytes = self.contact.as_ref().map(Contact::to_bytes).unwrap_or_default();
        bytes.extend(format!("{:?}{:?}", self.one_time.keys(), self.invites.keys()).into_bytes());
        hex(sha256(&[&bytes]))
    }

    pub fn send_file(&mut self, content: &[u8], name: &str) -> Answer {
        let size = u64::try_from(content.len())?;
        let pass = FilePass::generate(size, &mut self.rng)?;
        let key = pass.key();
        let mut sealer = FileSealer::start(pass);
        let mut chunks = Vec::new();
        let mut rest = content;
        while let Some(index) = sealer.next_index() {
            let length = sealer.header().chunk_length(index).expect("a chunk");
            let (chunk, behind) = rest.split_at(length);
            let mut buffer = chunk.to_vec();
            buffer.resize(length + CHUNK_OVERHEAD, 0);
            sealer.seal_next(&mut buffer)?;
            chunks.push(hex(buffer));
            rest = behind;
        }
        let manifest = Manifest {
            version: 1,
            file: sealer.header().file_id(),
            key,
            size,
            root: None,
            name: Text::new(name.to_owned())?,
            mime: Text::default(),
        };
        let root = hex(sealer.root()?.as_bytes());
        Ok(json!({ "manifest": hex(encode(&manifest)), "chunks": chunks, "root": root }))
    }

    fn numbers(&self, account: &[u8; 33]) -> Result<SafetyNumber, Refusal> {
        let theirs = AccountPublic::from_bytes(account)?;
        Ok(SafetyNumber::new(Fingerprint::of(self.device.account()), Fingerprint::of(&theirs)))
    }

    pub fn safety_number(&self, account: &[u8; 33]) -> Answer {
        let number = self.numbers(account)?;
        Ok(json!({ "digits": number.digits(), "qr": hex(number.qr()) }))
    }

    pub fn scan(&self, account: &[u8; 33], scanned: &[u8]) -> Answer {
        self.numbers(account)?.verify_scanned(scanned)?;
        Ok(json!({}))
    }
}

fn whispered(plaintext: &[u8]) -> Answer {
    match Ephemeral::decode(plaintext)? {
        Ephemeral::HangUp { attempt } => Ok(json!({ "attempt": attempt })),
        _ => Err(Refusal::of("no-hang-up")),
    }
}

pub fn receive_file(line: &Line) -> Answer {
    let manifest: Manifest = decode(&line.bytes("manifest")?, limits::MESSAGE_MAX)?;
    let opener = FileOpener::new(FileHeader::new(manifest.size, manifest.file)?, &manifest.key);
    let mut tree = TreeHasher::default();
    let mut content = Vec::new();
    for (index, mut chunk) in line.list("chunks")?.into_iter().enumerate() {
        tree.push(&opener.open(u32::try_from(index)?, &mut chunk)?);
        chunk.truncate(chunk.len().saturating_sub(CHUNK_OVERHEAD));
        content.extend_from_slice(&chunk);
    }
    if opener.root(&tree)? != FileRoot::from_bytes(line.array("root")?) {
        return Err(Refusal::of("bad-root"));
    }
    Ok(json!({ "content": hex(content) }))
}
