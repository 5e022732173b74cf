"""The answer to a server's challenge (section 14.1)."""

from typing import Any

from . import signatures
from .device_list import ID_LENGTH
from .errors import Refused
from .points import POINT_LENGTH, public_of
from .primitives import u8, u16
from .schema import Field, Fixed, Integer, Structure

VERSION = 1
ROLE = 1

AUTHENTICATION = Structure({
    0: Field("version", Integer(16)),
    1: Field("device_id", Fixed(ID_LENGTH)),
    2: Field("dsk", Fixed(POINT_LENGTH)),
    3: Field("mailbox", Fixed(ID_LENGTH)),
    4: Field("client_nonce", Fixed(32)),
    5: Field("signature", Fixed(signatures.SIGNATURE_LENGTH)),
})


def signed_bytes(origin: str, server_nonce: bytes, fields: dict[str, Any]) -> bytes:
    """What the device signs: its fields at that origin, for that nonce."""
    return (u16(fields["version"]) + u8(ROLE) + u16(len(origin.encode())) + origin.encode() + fields["device_id"]
            + fields["mailbox"] + fields["dsk"] + server_nonce + fields["client_nonce"])


def answer(dsk_private: bytes, origin: str, device_id: bytes, mailbox: bytes, server_nonce: bytes,
           client_nonce: bytes, extra: bytes) -> dict[str, Any]:
    """The authentication of a device."""
    fields = {"version": VERSION, "device_id": device_id, "dsk": public_of(dsk_private), "mailbox": mailbox,
              "client_nonce": client_nonce}
    signed = signed_bytes(origin, server_nonce, fields)
    return fields | {"signature": signatures.sign(dsk_private, "server-challenge", signed, extra)}


def check(fields: dict[str, Any], origin: str, server_nonce: bytes) -> None:
    """Verifies an authentication, as the server of that origin does with its own nonce."""
    try:
        signatures.verify(fields["dsk"], "server-challenge", signed_bytes(origin, server_nonce, fields),
                          fields["signature"])
    except Refused:
        raise Refused("not-authentic") from None
    if fields["version"] != VERSION:
        raise Refused("not-authentic", "version")
