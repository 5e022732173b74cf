"""Account ids (section 1.5) and device lists (section 3.1)."""

from dataclasses import dataclass
from typing import Any

from . import signatures, signed
from .errors import Refused
from .primitives import labelled_hash, same
from .schema import Exactly, Field, Fixed, Integer, ListOf, Point, Structure

LIMIT = 2048
MOST_DEVICES = 8
ID_LENGTH = 16

DEVICE = Structure({
    0: Field("device_id", Fixed(ID_LENGTH)),
    1: Field("dsk", Point()),
    2: Field("dik", Point()),
})

DEVICE_LIST = Structure({
    0: Field("version", Exactly(1, "unknown-version")),
    1: Field("account_id", Fixed(ID_LENGTH)),
    2: Field("aik", Point()),
    3: Field("list_version", Integer(32)),
    4: Field("previous", Fixed(32)),
    5: Field("devices", ListOf(DEVICE, MOST_DEVICES, least=1)),
})


@dataclass(frozen=True)
class Device:
    """An entry of a device list, with the account key above it."""

    aik: bytes
    device_id: bytes
    dsk: bytes
    dik: bytes


def account_id(aik: bytes) -> bytes:
    """`H("account-id", AIK)[..16]` (1.5)."""
    return labelled_hash("account-id", aik)[:ID_LENGTH]


@dataclass(frozen=True)
class DeviceList:
    """A device list whose signature was checked."""

    fields: dict[str, Any]
    hash: bytes

    @property
    def aik(self) -> bytes:
        """The account key that signed."""
        return self.fields["aik"]

    @property
    def account_id(self) -> bytes:
        """The id of the account."""
        return self.fields["account_id"]

    @property
    def list_version(self) -> int:
        """The version of the list."""
        return self.fields["list_version"]

    @property
    def devices(self) -> list[Device]:
        """The entries."""
        return [Device(aik=self.aik, **entry) for entry in self.fields["devices"]]

    def device(self, device_id: bytes) -> Device | None:
        """The entry of that id."""
        return next((device for device in self.devices if device.device_id == device_id), None)


def write(fields: dict[str, Any], aik_private: bytes, extra: bytes) -> bytes:
    """Writes and signs a device list."""
    inner = DEVICE_LIST.write(fields)
    return signed.wrap(inner, signatures.sign(aik_private, "device-list", inner, extra))


def read(data: bytes) -> DeviceList:
    """Reads a device list with the checks of 3.1, in their order."""
    fields, inner, signature = signed.unwrap(DEVICE_LIST, data, LIMIT)
    aik = fields["aik"]
    if not same(fields["account_id"], account_id(aik)):
        raise Refused("wrong-account")
    signed.verify(aik, "device-list", inner, signature)
    devices = fields["devices"]
    if fields["list_version"] == 0:
        raise Refused("out-of-bounds", "list version 0")
    keys = [aik] + [entry[key] for entry in devices for key in ("dsk", "dik")]
    ids = [entry["device_id"] for entry in devices]
    if len(set(keys)) != len(keys) or len(set(ids)) != len(ids):
        raise Refused("reused-key")
    return DeviceList(fields, labelled_hash("device-list-hash", inner))


def standing(held: DeviceList, other: DeviceList) -> str:
    """How a list stands to the held one of the same account: same, split, earlier, ahead or next (10.2)."""
    if other.aik != held.aik:
        raise Refused("wrong-account")
    named = standing_of_name(held, other.list_version, other.hash)
    if named != "ahead" or other.list_version > held.list_version + 1:
        return named
    keys = {device.device_id: device for device in held.devices}
    changed = any(keys.get(device.device_id, device) != device for device in other.devices)
    return "split" if other.fields["previous"] != held.hash or changed else "next"


def standing_of_name(held: DeviceList, list_version: int, name: bytes) -> str:
    """How a list that is only named, by version and hash, stands to the held one: never next."""
    if list_version == held.list_version:
        return "same" if name == held.hash else "split"
    if list_version == held.list_version - 1:
        return "earlier" if name == held.fields["previous"] else "split"
    return "earlier" if list_version < held.list_version else "ahead"
