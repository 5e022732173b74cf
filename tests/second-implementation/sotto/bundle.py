"""Bundles (section 3.2)."""

from typing import Any

from . import signatures, signed
from .device_list import ID_LENGTH, Device, DeviceList
from .errors import Refused
from .primitives import SUITE
from .schema import Exactly, Field, Fixed, Integer, Pair, Point, Structure

LIMIT = 1024
DAY = 24 * 60 * 60 * 1000
LIFE = 31 * DAY
WRONG_CLOCK = DAY

NUMBERED_KEY = Pair(Integer(32), Point())

BUNDLE = Structure({
    0: Field("version", Exactly(1, "unknown-version")),
    1: Field("suite", Exactly(SUITE, "unknown-version", bits=16)),
    2: Field("aik", Point()),
    3: Field("device_id", Fixed(ID_LENGTH)),
    4: Field("dsk", Point()),
    5: Field("dik", Point()),
    6: Field("signed_prekey", NUMBERED_KEY),
    7: Field("delivery_key", NUMBERED_KEY),
    8: Field("created", Integer(64)),
})


def write(fields: dict[str, Any], dsk_private: bytes, extra: bytes) -> bytes:
    """Writes and signs a bundle."""
    inner = BUNDLE.write(fields)
    return signed.wrap(inner, signatures.sign(dsk_private, "bundle", inner, extra))


def read(data: bytes, device_list: DeviceList, now: int) -> dict[str, Any]:
    """Reads a bundle under a device list; `now` in milliseconds."""
    fields, inner, signature = signed.unwrap(BUNDLE, data, LIMIT)
    points = [fields["aik"], fields["dsk"], fields["dik"], fields["signed_prekey"][1], fields["delivery_key"][1]]
    claimed = Device(fields["aik"], fields["device_id"], fields["dsk"], fields["dik"])
    if claimed not in device_list.devices:
        raise Refused("unlisted-device")
    signed.verify(claimed.dsk, "bundle", inner, signature)
    if len(set(points)) != len(points):
        raise Refused("reused-key")
    if now > fields["created"] + LIFE or fields["created"] > now + WRONG_CLOCK:
        raise Refused("expired")
    return fields
