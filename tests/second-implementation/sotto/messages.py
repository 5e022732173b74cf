"""What ratchet messages and links say: carried, messages, ephemeral messages, link frames (sections 7.1, 8, 12)."""

from typing import Any

from . import bundle, device_list
from .bundle import NUMBERED_KEY
from .cbor import malformed
from .device_list import ID_LENGTH
from .errors import Refused
from .files import MANIFEST
from .primitives import labelled_hash
from .schema import (
    Bool, Bytes, Choice, Choices, Field, Fixed, Integer, ListOf, Point, Structure, Text, Variant, read_plain,
)
from .x3dh import flags

CARRIED_LIMIT = 64_512
MESSAGE_LIMIT = 61_440
EPHEMERAL_LIMIT = 36_864
LINK_FRAME_LIMIT = 65_536
NAME = Text(128)
ID = Fixed(ID_LENGTH)
HASH = Fixed(32)

PREFIX = Structure({
    0: Field("AIK", Point()),
    1: Field("device_list", Bytes(device_list.LIMIT)),
    2: Field("EK", Point()),
    3: Field("spk_id", Integer(32)),
    4: Field("opk_id", Integer(32), optional=True),
    5: Field("invite_id", ID, optional=True),
    6: Field("flags", Integer(8)),
})

CARRIED = Structure({
    0: Field("prefix", PREFIX, optional=True),
    1: Field("ratchet_message", Bytes(CARRIED_LIMIT)),
})

CONTENT = Choice({
    "Hello": {0: Field("name", NAME), 1: Field("mailbox", ID), 2: Field("delivery_token", HASH),
              3: Field("bundle", Bytes(bundle.LIMIT))},
    "Confirmed": {0: Field("name", NAME), 1: Field("delivery_token", HASH)},
    "Profile": {0: Field("name", NAME)},
    "Text": {0: Field("text", Text(57_344))},
    "File offer": {0: Field("manifest", MANIFEST)},
    "File accept": {0: Field("file_id", ID)},
    "File decline": {0: Field("file_id", ID)},
    "File cancel": {0: Field("file_id", ID),
                    1: Field("reason", Choices(("stopped", "interrupted", "unreadable", "no_space", "corrupt",
                                               "device_failed")))},
    "File root": {0: Field("file_id", ID), 1: Field("root", HASH)},
    "Devices": {0: Field("lists", ListOf(Bytes(device_list.LIMIT, least=1), 16))},
})

BODY = Structure({
    0: Field("message_id", ID),
    1: Field("sequence", Integer(64)),
    2: Field("previous", HASH),
    3: Field("lamport", Integer(64)),
    4: Field("sent_at", Integer(64)),
    5: Field("list_version", Integer(32)),
    6: Field("list_hash", HASH),
    7: Field("content", CONTENT),
    8: Field("delivery_key", NUMBERED_KEY, optional=True),
    9: Field("delivery_token", HASH, optional=True),
    10: Field("mailbox", ID, optional=True),
    11: Field("era", Integer(32), optional=True),
})

MESSAGE = Choice({
    "Body": {0: Field("body", BODY)},
    "Acknowledge": {0: Field("ids", ListOf(ID, 256))},
    "Retry": {0: Field("hash", ID)},
    "End": {},
})

SIGNAL = Choice({
    "Description": {0: Field("kind", Choices(("offer", "answer"))), 1: Field("sdp", Text(16_384))},
    "Candidate": {0: Field("candidate", Text(1_024)), 1: Field("media_id", Text(1_024), optional=True),
                  2: Field("line_index", Integer(16), optional=True)},
})

EPHEMERAL = Choice({
    "Here": {},
    "Signals": {0: Field("attempt", Integer(64)), 1: Field("signals", ListOf(SIGNAL, 16))},
    "Hang up": {0: Field("attempt", Integer(64))},
})

LINK_FRAME = Choice({
    "Carried": {0: Field("carried", Bytes(CARRIED_LIMIT))},
    "Ping": {0: Field("n", Integer(32))},
    "Pong": {0: Field("n", Integer(32))},
    "File start": {0: Field("file_id", ID)},
    "File ready": {0: Field("file_id", ID)},
    "Path": {0: Field("relayed", Bool())},
})


def write_carried(message: bytes, prefix: dict[str, Any] | None = None) -> bytes:
    """Writes a carried; the prefix's flags follow from its other fields."""
    if prefix is None:
        return CARRIED.write({"ratchet_message": message})
    return CARRIED.write({"prefix": prefix | {"flags": _flags(prefix)}, "ratchet_message": message})


def read_carried(data: bytes) -> dict[str, Any]:
    """Reads a carried. Of a prefix, flags and AIK must be what the other fields say."""
    value = read_plain(CARRIED, data, CARRIED_LIMIT)
    prefix = value.get("prefix")
    if prefix is not None:
        if prefix["flags"] != _flags(prefix):
            raise malformed("flags that are not what the fields say")
        if device_list.read(prefix["device_list"]).aik != prefix["AIK"]:
            raise Refused("wrong-account")
    return value


def _flags(prefix: dict[str, Any]) -> int:
    return flags("opk_id" in prefix, "invite_id" in prefix)


def read_message(data: bytes) -> Variant:
    """Reads the plaintext of a message (8.1)."""
    return read_plain(MESSAGE, data, MESSAGE_LIMIT)


def read_ephemeral(data: bytes) -> Variant:
    """Reads the plaintext of an ephemeral message (8.2)."""
    return read_plain(EPHEMERAL, data, EPHEMERAL_LIMIT)


def read_link_frame(data: bytes) -> Variant:
    """Reads a frame of the control channel (12)."""
    return read_plain(LINK_FRAME, data, LINK_FRAME_LIMIT)


def body_hash(plaintext: bytes) -> bytes:
    """What the next body names as `previous`."""
    return labelled_hash("body-hash", plaintext)
