"""The Double Ratchet (section 6)."""

import copy
from collections import OrderedDict
from dataclasses import dataclass, field

from .errors import Refused
from .points import POINT_LENGTH, ecdh, generate, point, public_of
from .primitives import NONCE_LENGTH, TAG_LENGTH, Randomness, gcm_open, gcm_seal, hkdf, hmac, label, u8, u32
from .x3dh import Agreement

VERSION = 1
MESSAGE, EPHEMERAL = 1, 2
HEADER_LENGTH = 75
SALT_LENGTH = 16
PLAINTEXT_LIMIT = 61_440
MOST_SKIPPED_AT_ONCE = 1_000
MOST_SKIPPED = 2_000
CHAINS_BEFORE = 4
SKIPPED_AGE = 45 * 24 * 60 * 60 * 1000
LAST_NUMBER = 2**32 - 1


@dataclass(frozen=True)
class Header:
    """The first 75 bytes of a ratchet message (6.1)."""

    kind: int
    session_id: bytes
    dh: bytes
    pn: int
    n: int
    r: bytes

    def write(self) -> bytes:
        """The header as it is sent and authenticated."""
        return u8(VERSION) + u8(self.kind) + self.session_id + self.dh + u32(self.pn) + u32(self.n) + self.r


def read_message(data: bytes) -> tuple[Header, bytes]:
    """Parses a ratchet message: header, ciphertext ‖ tag."""
    if not HEADER_LENGTH + TAG_LENGTH <= len(data) <= HEADER_LENGTH + PLAINTEXT_LIMIT + TAG_LENGTH:
        raise Refused("malformed", "length")
    if data[0] != VERSION or data[1] not in (MESSAGE, EPHEMERAL):
        raise Refused("malformed", "version or type")
    header = Header(data[1], data[2:18], data[18:51], int.from_bytes(data[51:55], "big"),
                    int.from_bytes(data[55:59], "big"), data[59:75])
    return header, data[HEADER_LENGTH:]


def root_step(root: bytes, private: bytes, public: bytes) -> tuple[bytes, bytes, bytes]:
    """RK′, CK and XK."""
    out = hkdf(root, ecdh(private, public), label("ratchet-root"), 96)
    return out[:32], out[32:64], out[64:]


def chain_step(chain: bytes) -> tuple[bytes, bytes]:
    """The message key and CK′."""
    return hmac(chain, b"\1"), hmac(chain, b"\2")


@dataclass
class Sending:
    """The chain under the own current ratchet key."""

    private: bytes
    public: bytes
    chain: bytes
    ephemeral: bytes
    pn: int
    n: int = 0
    x: int = 0


@dataclass
class Receiving:
    """The chain under the peer's current ratchet key."""

    dh: bytes
    chain: bytes
    n: int = 0


@dataclass
class ReceivingEphemeral:
    """What ephemeral messages under one ratchet key of the peer need (6.4)."""

    dh: bytes
    key: bytes
    last: int | None = None


@dataclass
class Session:
    """One side of a session. `answered` says that the own sending chain answers the peer's newest key."""

    agreement: Agreement
    root: bytes
    own_private: bytes
    own_public: bytes
    peer: bytes | None
    sending: Sending | None = None
    receiving: Receiving | None = None
    ephemerals: list[ReceivingEphemeral] = field(default_factory=list)
    before: list[bytes] = field(default_factory=list)
    skipped: OrderedDict[tuple[bytes, int], tuple[bytes, int]] = field(default_factory=OrderedDict)
    answered: bool = False

    @classmethod
    def initiator(cls, agreement: Agreement, spk: bytes, ratchet_private: bytes) -> "Session":
        """Begins with a fresh ratchet key; may send at once (6.2)."""
        session = cls(agreement, agreement.sk, b"", b"", spk)
        session._begin_sending(ratchet_private)
        return session

    @classmethod
    def responder(cls, agreement: Agreement, spk_private: bytes) -> "Session":
        """Begins with the signed prekey; its first message must be received before it sends (6.2)."""
        return cls(agreement, agreement.sk, spk_private, public_of(spk_private), None)

    def _begin_sending(self, private: bytes) -> None:
        """A root step for sending."""
        pn = self.sending.n if self.sending else 0
        self.root, chain, ephemeral = root_step(self.root, private, self.peer)
        self.own_private, self.own_public = private, public_of(private)
        self.sending = Sending(private, self.own_public, chain, ephemeral, pn)
        self.answered = True

    def seal(self, plaintext: bytes, randomness: Randomness) -> bytes:
        """Seals a message."""
        return self._seal(MESSAGE, plaintext, randomness)

    def seal_ephemeral(self, plaintext: bytes, randomness: Randomness) -> bytes:
        """Seals an ephemeral message."""
        return self._seal(EPHEMERAL, plaintext, randomness)

    def _seal(self, kind: int, plaintext: bytes, randomness: Randomness) -> bytes:
        if self.peer is None:
            raise Refused("no-session", "nothing received yet")
        if len(plaintext) > PLAINTEXT_LIMIT:
            raise Refused("too-large")
        r = randomness(SALT_LENGTH)
        if not self.answered:
            self._begin_sending(generate(randomness))
        sending = self.sending
        if kind == MESSAGE:
            header = Header(kind, self.agreement.session_id, sending.public, sending.pn, sending.n, r)
            mk, sending.chain = chain_step(sending.chain)
            sending.n += 1
            key, nonce = self.message_key(mk, r)
        else:
            header = Header(kind, self.agreement.session_id, sending.public, sending.pn, sending.x, r)
            key, nonce = self.ephemeral_key(sending.ephemeral, header.dh, header.n, r)
            sending.x += 1
        return header.write() + gcm_seal(key, nonce, plaintext, self._aad(header))

    def _aad(self, header: Header) -> bytes:
        return self.agreement.th + header.write()

    def message_key(self, mk: bytes, r: bytes) -> tuple[bytes, bytes]:
        """Key and nonce of a message."""
        out = hkdf(r, mk, label("ratchet-message", self.agreement.session_id), 32 + NONCE_LENGTH)
        return out[:32], out[32:]

    def ephemeral_key(self, xk: bytes, dh: bytes, x: int, r: bytes) -> tuple[bytes, bytes]:
        """Key and nonce of an ephemeral message."""
        context = self.agreement.session_id + dh + u32(x)
        out = hkdf(r, xk, label("ratchet-ephemeral", context), 32 + NONCE_LENGTH)
        return out[:32], out[32:]

    def open(self, data: bytes, now: int) -> bytes:
        """Opens a message (6.3); an error leaves the state as it was."""
        return self._open(MESSAGE, data, now)

    def open_ephemeral(self, data: bytes, now: int) -> bytes:
        """Opens an ephemeral message (6.4); an error leaves the state as it was."""
        return self._open(EPHEMERAL, data, now)

    def _open(self, kind: int, data: bytes, now: int) -> bytes:
        header, sealed = read_message(data)
        if header.kind != kind:
            raise Refused("malformed", "type")
        if header.session_id != self.agreement.session_id:
            raise Refused("wrong-session")
        if header.dh == self.own_public:
            raise Refused("malformed", "own ratchet key")
        copied = copy.deepcopy(self)
        opening = copied._open_message if kind == MESSAGE else copied._open_ephemeral
        plaintext = opening(header, sealed, now)
        self.__dict__.update(copied.__dict__)
        return plaintext

    def _open_message(self, header: Header, sealed: bytes, now: int) -> bytes:
        kept = self.skipped.pop((header.dh, header.n), None)
        if kept:
            return self._open_with(kept[0], header, sealed)
        if header.n == LAST_NUMBER:
            raise Refused("malformed", "the last number is not used")
        self._follow(header, now)
        if header.n < self.receiving.n:
            raise Refused("key-gone")
        self._skip(header.n, now)
        mk, self.receiving.chain = chain_step(self.receiving.chain)
        self.receiving.n += 1
        return self._open_with(mk, header, sealed)

    def _open_with(self, mk: bytes, header: Header, sealed: bytes) -> bytes:
        key, nonce = self.message_key(mk, header.r)
        return gcm_open(key, nonce, sealed, self._aad(header))

    def _open_ephemeral(self, header: Header, sealed: bytes, now: int) -> bytes:
        state = next((state for state in self.ephemerals if state.dh == header.dh), None)
        if state is None:
            self._follow(header, now)
            state = self.ephemerals[0]
        if state.last is not None and header.n <= state.last:
            raise Refused("key-gone")
        key, nonce = self.ephemeral_key(state.key, header.dh, header.n, header.r)
        plaintext = gcm_open(key, nonce, sealed, self._aad(header))
        state.last = header.n
        return plaintext

    def _follow(self, header: Header, now: int) -> None:
        """Steps 3 and 4: makes the chain of the header's key the current one."""
        if header.dh in self.before:
            raise Refused("key-gone")
        if self.receiving and header.dh == self.receiving.dh:
            return
        if header.dh == self.peer:
            raise Refused("malformed", "not a new ratchet key")
        try:
            point(header.dh)
        except Refused:
            raise Refused("malformed", "not a point") from None
        if self.receiving:
            self._skip(header.pn, now)
            self.before = [self.receiving.dh, *self.before][:CHAINS_BEFORE]
        self.root, chain, ephemeral = root_step(self.root, self.own_private, header.dh)
        self.receiving = Receiving(header.dh, chain)
        self.ephemerals = [ReceivingEphemeral(header.dh, ephemeral), *self.ephemerals][:2]
        self.peer = header.dh
        self.answered = False

    def _skip(self, until: int, now: int) -> None:
        """Keeps the keys of the current chain from its next number up to, not including, `until`."""
        if until - self.receiving.n > MOST_SKIPPED_AT_ONCE:
            raise Refused("too-far-ahead")
        while self.receiving.n < until:
            mk, self.receiving.chain = chain_step(self.receiving.chain)
            self.skipped[self.receiving.dh, self.receiving.n] = (mk, now)
            self.receiving.n += 1
        while len(self.skipped) > MOST_SKIPPED:
            self.skipped.popitem(last=False)

    def forget_before(self, now: int) -> None:
        """Forgets skipped keys older than 45 days."""
        for name, (_, since) in list(self.skipped.items()):
            if since < now - SKIPPED_AGE:
                del self.skipped[name]


assert HEADER_LENGTH == 2 + 16 + POINT_LENGTH + 8 + SALT_LENGTH
