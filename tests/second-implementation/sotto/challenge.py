"""The answer to a server's challenge (section 14.1)."""

from typing import Any

from . import signatures, signed
from .device_list import ID_LENGTH
from .points import public_of
from .primitives import u8, u16
from .schema import Exactly, Field, Fixed, Point, Structure, read_plain

VERSION = 1
ROLE = 1
FRAME_LIMIT = 131_072

AUTHENTICATION = Structure({
    0: Field("version", Exactly(VERSION, "unknown-version", bits=16)),
    1: Field("device_id", Fixed(ID_LENGTH)),
    2: Field("dsk", Point()),
    3: Field("mailbox", Fixed(ID_LENGTH)),
    4: Field("client_nonce", Fixed(32)),
    5: Field("signature", Fixed(signatures.SIGNATURE_LENGTH)),
})


def signed_bytes(origin: str, device_id: bytes, mailbox: bytes, dsk: bytes, server_nonce: bytes,
                 client_nonce: bytes) -> bytes:
    """What the device signs."""
    return (u16(VERSION) + u8(ROLE) + u16(len(origin.encode())) + origin.encode() + device_id + mailbox + dsk
            + server_nonce + client_nonce)


def answer(dsk_private: bytes, origin: str, device_id: bytes, mailbox: bytes, server_nonce: bytes,
           client_nonce: bytes, extra: bytes) -> bytes:
    """The authentication of a device."""
    dsk = public_of(dsk_private)
    data = signed_bytes(origin, device_id, mailbox, dsk, server_nonce, client_nonce)
    signature = signatures.sign(dsk_private, "server-challenge", data, extra)
    return AUTHENTICATION.write({"version": VERSION, "device_id": device_id, "dsk": dsk, "mailbox": mailbox,
                                 "client_nonce": client_nonce, "signature": signature})


def check(data: bytes, origin: str, server_nonce: bytes) -> dict[str, Any]:
    """Reads and verifies an authentication, as the server of that origin does with its own nonce."""
    fields = read_plain(AUTHENTICATION, data, FRAME_LIMIT)
    claimed = signed_bytes(origin, fields["device_id"], fields["mailbox"], fields["dsk"], server_nonce,
                           fields["client_nonce"])
    signed.verify(fields["dsk"], "server-challenge", claimed, fields["signature"])
    return fields
