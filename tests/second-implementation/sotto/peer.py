"""One side of a conversation: what sections 5 to 10 do with one contact, without server and storage.

It answers requests, dictionaries with bytes in hexadecimal, so that a test can put another implementation in its place.
"""

import copy
import hashlib
from dataclasses import dataclass, field
from typing import Any

from . import bundle, device_list, envelope, invite, keys, messages, safety_number, x3dh
from .device_list import Device, DeviceList
from .errors import Refused
from .files import CHUNK_LENGTH, MANIFEST, File, top_of
from .keys import KeyPair, OwnKeys
from .points import generate
from .primitives import Randomness, same
from .ratchet import EPHEMERAL, Session, read_message
from .schema import Variant, read_plain
from .x3dh import First, InvitePart, OwnDevice, Prekeys

MOST_REPLACED = 4


@dataclass
class Talk:
    """A session and what belongs to it until it is answered."""

    session: Session
    begun_here: bool
    prefix: dict[str, Any] | None = None
    invite_tag: bytes | None = None


@dataclass
class Contact:
    """The other side, as far as it is known."""

    listed: DeviceList
    device: Device
    mailbox: bytes | None = None
    delivery_key: tuple[int, bytes] | None = None


@dataclass
class OpenInvite:
    """An invite: after its use only the tag key and the id of the session are kept (4.3)."""

    tag: bytes
    psk: bytes
    opk_id: int
    used_by: bytes | None = None


@dataclass
class Conversation:
    """Counters of section 8.3."""

    sequence: int = 0
    lamport: int = 0
    own_hash: bytes = bytes(32)
    their_hashes: dict[int, bytes] = field(default_factory=lambda: {0: bytes(32)})


@dataclass
class State:
    """Everything that a refusal must not change."""

    contact: Contact | None = None
    talks: list[Talk] = field(default_factory=list)
    current: Talk | None = None
    accepted: list[bytes] = field(default_factory=list)
    opks: dict[int, KeyPair] = field(default_factory=dict)
    invites: dict[bytes, OpenInvite] = field(default_factory=dict)
    conversation: Conversation = field(default_factory=Conversation)


class Peer:
    """A device with one contact at most."""

    def __init__(self, randomness: Randomness) -> None:
        self._randomness = randomness
        self._now = 0
        self._own: OwnKeys
        self._mailbox = self._token = b""
        self._opk_number = 0
        self._state = State()

    def do(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answers one request, or refuses it."""
        values = dict(request)
        before = copy.deepcopy(self._state)
        try:
            return getattr(self, "_do_" + values.pop("do"))(**values)
        except Refused:
            self._state = before
            raise

    def _do_new(self, seed: str, now: int) -> dict[str, Any]:
        """Makes the account; the randomness given to `Peer` takes the place of the seed."""
        self._now = now
        self._own = keys.make(self._randomness, now)
        self._mailbox, self._token = self._randomness(16), self._randomness(32)
        self._opk_number = now // 1000
        return {"device_list": self._own.device_list.hex(), "bundle": self._own.bundle.hex(), "opk": self._do_opk(),
                "mailbox": self._mailbox.hex(), "token": self._token.hex(),
                "account_id": self._account.hex(), "device_id": self._own.device_id.hex()}

    @property
    def _account(self) -> bytes:
        return device_list.account_id(self._own.aik.public)

    def _do_clock(self, now: int) -> dict[str, Any]:
        self._now = now
        return {}

    def _do_opk(self) -> dict[str, Any]:
        """A further one-time prekey."""
        self._opk_number += 1
        pair = keys.key_pair(generate(self._randomness))
        self._state.opks[self._opk_number] = pair
        return {"id": self._opk_number, "public": pair.public.hex()}

    def _do_invite(self, origin: str, name: str) -> dict[str, Any]:
        """Makes an invite (4)."""
        secret = self._randomness(32)
        opk = self._do_opk()
        derived = invite.keys(secret)
        self._state.invites[derived.invite_id] = OpenInvite(derived.tag, derived.psk, opk["id"])
        box = invite.seal_bundle(secret, {
            "device_list": self._own.device_list, "bundle": self._own.bundle,
            "one_time_prekey": (opk["id"], bytes.fromhex(opk["public"])), "mailbox": self._mailbox,
            "token": self._token,
        }, self._randomness(12))
        link = invite.Link(secret, invite.account_hash(self._own.aik.public))
        return {"link": invite.write_link(origin, link), "box": box.hex(),
                "card": invite.seal_card(secret, name, self._randomness(12)).hex()}

    def _do_begin(self, **values: Any) -> dict[str, Any]:
        """Begins a session, by an invite or with a bundle from the server."""
        if "link" in values:
            return self._begin_by_link(values["link"], values["origin"], bytes.fromhex(values["card"]),
                                       bytes.fromhex(values["box"]))
        listed = device_list.read(bytes.fromhex(values["device_list"]))
        read = bundle.read(bytes.fromhex(values["bundle"]), listed, self._now)
        opk = values.get("opk")
        opk = (opk["id"], bytes.fromhex(opk["public"])) if opk else (None, None)
        return self._begin(listed, read, opk, bytes.fromhex(values["mailbox"]), None)

    def _do_meet(self, **values: Any) -> dict[str, Any]:
        """Knows the other side without beginning."""
        listed = device_list.read(bytes.fromhex(values["device_list"]))
        read = bundle.read(bytes.fromhex(values["bundle"]), listed, self._now)
        self._meet(listed, read, bytes.fromhex(values["mailbox"]))
        return {}

    def _meet(self, listed: DeviceList, read: dict[str, Any], mailbox: bytes) -> Device:
        peer = listed.device(read["device_id"])
        if self._state.contact and self._state.contact.device != peer:
            raise Refused("another-account")
        self._state.contact = Contact(listed, peer, mailbox, read["delivery_key"])
        return peer

    def _begin_by_link(self, text: str, origin: str, card: bytes, box: bytes) -> dict[str, Any]:
        link = invite.read_link(text, origin)
        name = invite.open_card(link.secret, card)
        opened = invite.open_bundle(link, box, self._now)
        derived = invite.keys(link.secret)
        return self._begin(opened.device_list, opened.bundle, opened.one_time_prekey, opened.mailbox, derived) | {
            "name": name}

    def _begin(self, listed: DeviceList, read: dict[str, Any], opk: tuple, mailbox: bytes,
               derived: invite.Keys | None) -> dict[str, Any]:
        peer = self._meet(listed, read, mailbox)
        spk_id, spk = read["signed_prekey"]
        part = InvitePart(derived.invite_id, derived.psk) if derived else None
        ek = keys.key_pair(generate(self._randomness))
        agreement = x3dh.initiate(self._own_device, peer, Prekeys(spk_id, spk, *opk), part, ek.private)
        prefix = {"AIK": self._own.aik.public, "device_list": self._own.device_list, "EK": ek.public, "spk_id": spk_id}
        if opk[0] is not None:
            prefix["opk_id"] = opk[0]
        if derived:
            prefix["invite_id"] = derived.invite_id
        session = Session.initiator(agreement, spk, generate(self._randomness))
        self._add(Talk(session, True, prefix, derived.tag if derived else None))
        return {"session_id": agreement.session_id.hex()}

    @property
    def _own_device(self) -> OwnDevice:
        return OwnDevice(self._own.entry, self._own.dik.private)

    def _add(self, talk: Talk) -> None:
        """A new session replaces the current one, unless both began at once and the own id is smaller (10)."""
        before, self._state.current = self._state.current, talk
        self._state.talks.append(talk)
        if before and before.begun_here and before.prefix is not None and not talk.begun_here:
            self._state.current = min(before, talk, key=lambda one: one.session.agreement.session_id)
        replaced = [one for one in self._state.talks if one is not self._state.current]
        for oldest in replaced[:-MOST_REPLACED]:
            self._state.talks.remove(oldest)

    def _do_say(self, text: str) -> dict[str, Any]:
        """A body with a text."""
        count = self._state.conversation
        talk = self._talk()
        body = {
            "message_id": self._randomness(16), "sequence": count.sequence + 1, "previous": count.own_hash,
            "lamport": count.lamport + 1, "sent_at": self._now, "list_version": 1,
            "list_hash": device_list.read(self._own.device_list).hash, "content": Variant("Text", {"text": text}),
            "delivery_key": (self._own.dk_id, self._own.dk.public), "mailbox": self._mailbox,
        }
        plaintext = messages.MESSAGE.write(Variant("Body", {"body": body}))
        blob = self._post(talk, talk.session.seal(plaintext, self._randomness))
        count.sequence += 1
        count.lamport += 1
        count.own_hash = messages.body_hash(plaintext)
        return blob

    def _do_whisper(self, attempt: int) -> dict[str, Any]:
        """An ephemeral message."""
        talk = self._talk()
        plaintext = messages.EPHEMERAL.write(Variant("Hang up", {"attempt": attempt}))
        return self._post(talk, talk.session.seal_ephemeral(plaintext, self._randomness))

    def _talk(self) -> Talk:
        contact, current = self._state.contact, self._state.current
        if not (current and contact and contact.mailbox and contact.delivery_key):
            raise Refused("no-session")
        return current

    def _post(self, talk: Talk, message: bytes) -> dict[str, Any]:
        """Wraps a ratchet message: carried, tag, envelope (7)."""
        contact = self._state.contact
        carried = messages.write_carried(message, talk.prefix)
        dk_id, dk = contact.delivery_key
        tag_key = envelope.dik_tag_key(self._own.dik.private, contact.device.dik)
        if talk.prefix and talk.invite_tag:
            tag_key = talk.invite_tag
        tag = envelope.sender_tag(tag_key, contact.mailbox, dk_id, self._account, self._own.device_id, carried)
        content = envelope.Content(self._account, self._own.device_id, tag, carried)
        return {"blob": envelope.seal(content, contact.mailbox, dk_id, dk, self._randomness(32)).hex()}

    def _do_hear(self, blob: str) -> dict[str, Any]:
        """Opens an envelope and what it carries; a first message makes the session."""
        data = bytes.fromhex(blob)
        dk_id = self._own.dk_id
        content = envelope.open_(data, self._mailbox, dk_id, self._own.dk.private, self._account)
        carried = messages.read_carried(content.carried)
        prefix, message = carried.get("prefix"), carried["ratchet_message"]
        listed, device = self._sender(content, prefix)
        envelope.check_tag(content, self._tag_key(prefix, device), self._mailbox, dk_id)
        header, _ = read_message(message)
        talk = next((one for one in self._state.talks if one.session.agreement.session_id == header.session_id), None)
        if talk:
            return {"session_id": header.session_id.hex(), "begun": False} | self._open(talk, message, header.kind)
        if prefix is None:
            raise Refused("unknown-session")
        return self._begun(listed, device, prefix, message)

    def _sender(self, content: envelope.Content, prefix: dict[str, Any] | None) -> tuple[DeviceList, Device]:
        contact = self._state.contact
        if prefix:
            listed = device_list.read(prefix["device_list"])
            device = listed.device(content.device_id)
            if listed.account_id != content.account_id or device is None:
                raise Refused("wrong-account")
            if "invite_id" in prefix and contact is None:
                return listed, device
            if contact is None or device != contact.device:
                raise Refused("unknown-sender")
            return contact.listed, device
        if contact is None or contact.listed.account_id != content.account_id or \
                contact.device.device_id != content.device_id:
            raise Refused("unknown-sender")
        return contact.listed, contact.device

    def _tag_key(self, prefix: dict[str, Any] | None, device: Device) -> bytes:
        if not prefix or "invite_id" not in prefix:
            return envelope.dik_tag_key(self._own.dik.private, device.dik)
        found = self._state.invites.get(prefix["invite_id"])
        if found is None:
            raise Refused("unknown-invite")
        return found.tag

    def _begun(self, listed: DeviceList, device: Device, prefix: dict[str, Any], message: bytes) -> dict[str, Any]:
        """X3DH as responder (5); nothing counts before the first message opened."""
        state = self._state
        opened = state.invites.get(prefix["invite_id"]) if "invite_id" in prefix else None
        if opened and opened.used_by:
            raise Refused("invite-used")
        opk_id = opened.opk_id if opened else prefix.get("opk_id")
        opk = state.opks.get(opk_id)
        part = InvitePart(prefix["invite_id"], opened.psk) if opened else None
        prekeys = Prekeys(self._own.spk_id, self._own.spk.public, opk_id if opk else None, opk.public if opk else None)
        first = First(prefix["EK"], prefix["spk_id"], prefix.get("opk_id"), prefix.get("invite_id"))
        agreement = x3dh.respond(self._own_device, device, prekeys, part, first, self._own.spk.private,
                                 opk.private if opk else None)
        if agreement.session_id in state.accepted:
            raise Refused("replay")
        header, _ = read_message(message)
        if header.kind == EPHEMERAL:
            raise Refused("malformed", "an ephemeral message begins no session")
        talk = Talk(Session.responder(agreement, self._own.spk.private), False)
        state.contact = state.contact or Contact(listed, device)
        heard = self._open(talk, message, header.kind)
        state.accepted.append(agreement.session_id)
        if opened:
            opened.used_by, opened.psk = agreement.session_id, b""
        if opk:
            del state.opks[opk_id]
        self._add(talk)
        return {"session_id": agreement.session_id.hex(), "begun": True} | heard

    def _open(self, talk: Talk, message: bytes, kind: int) -> dict[str, Any]:
        if kind == EPHEMERAL:
            plaintext = talk.session.open_ephemeral(message, self._now)
            talk.prefix = None
            return {"attempt": messages.read_ephemeral(plaintext).fields["attempt"]}
        plaintext = talk.session.open(message, self._now)
        talk.prefix = None
        body = messages.read_message(plaintext).fields["body"]
        count, contact = self._state.conversation, self._state.contact
        before = count.their_hashes.get(body["sequence"] - 1)
        count.their_hashes[body["sequence"]] = messages.body_hash(plaintext)
        count.lamport = max(count.lamport, body["lamport"])
        contact.mailbox = body.get("mailbox", contact.mailbox)
        contact.delivery_key = body.get("delivery_key", contact.delivery_key)
        return {"text": body["content"].fields["text"], "sequence": body["sequence"], "lamport": body["lamport"],
                "previous_fits": None if before is None else body["previous"] == before}

    def _do_state(self) -> dict[str, Any]:
        """A hash of everything that a refusal must not change."""
        return {"hash": hashlib.sha256(repr(self._state).encode()).hexdigest()}

    def _do_send_file(self, content: str, name: str) -> dict[str, Any]:
        """All chunks of a file, its manifest and its root."""
        data = bytes.fromhex(content)
        file = File(self._randomness(16), self._randomness(32), len(data))
        chunks = [file.seal(i, data[i * CHUNK_LENGTH:(i + 1) * CHUNK_LENGTH]) for i in range(file.chunks)]
        manifest = MANIFEST.write({"version": 1, "file_id": file.file_id, "file_key": file.key, "size": file.size,
                                   "name": name, "media_type": ""})
        return {"manifest": manifest.hex(), "chunks": [chunk.hex() for chunk in chunks],
                "root": file.root(top_of(chunks)).hex()}

    def _do_receive_file(self, manifest: str, chunks: list[str], root: str) -> dict[str, Any]:
        """The content of a file whose root is right."""
        fields = read_plain(MANIFEST, bytes.fromhex(manifest), messages.MESSAGE_LIMIT)
        file = File(fields["file_id"], fields["file_key"], fields["size"])
        sealed = [bytes.fromhex(chunk) for chunk in chunks]
        if len(sealed) != file.chunks:
            raise Refused("malformed", "number of chunks")
        content = b"".join(file.open(index, chunk) for index, chunk in enumerate(sealed))
        if not same(file.root(top_of(sealed)), bytes.fromhex(root)):
            raise Refused("corrupt")
        return {"content": content.hex()}

    def _do_safety_number(self, account: str) -> dict[str, Any]:
        """The safety number with another account, and the payload of the own QR code."""
        theirs = bytes.fromhex(account)
        return {"digits": safety_number.safety_number(self._own.aik.public, theirs),
                "qr": safety_number.qr_payload(self._own.aik.public, theirs).hex()}

    def _do_scan(self, account: str, qr: str) -> dict[str, Any]:
        """Compares a scanned payload."""
        safety_number.compare(bytes.fromhex(qr), self._own.aik.public, bytes.fromhex(account))
        return {}
