"""The people of the vectors."""

from dataclasses import dataclass
from typing import Any

from sotto import device_list
from sotto.device_list import Device
from sotto.keys import KeyPair
from sotto.points import public_of
from sotto.x3dh import OwnDevice, Prekeys


@dataclass(frozen=True)
class Person:
    """Somebody with one device. Points are as given: a vector may show somebody with keys of another."""

    aik: KeyPair
    dsk: KeyPair
    dik: KeyPair
    spk: KeyPair
    opk: KeyPair
    dk: KeyPair
    spk_id: int
    opk_id: int
    dk_id: int
    device_id: bytes
    mailbox: bytes
    account_id: bytes

    @property
    def entry(self) -> Device:
        """The entry of the device."""
        return Device(self.aik.public, self.device_id, self.dsk.public, self.dik.public)

    @property
    def own_device(self) -> OwnDevice:
        """The device as X3DH wants it."""
        return OwnDevice(self.entry, self.dik.private)

    def prekeys(self, with_opk: bool) -> Prekeys:
        """The prekeys, with the one-time prekey or without."""
        return Prekeys(self.spk_id, self.spk.public, *((self.opk_id, self.opk.public) if with_opk else ()))

    def device_list(self, extra: bytes) -> bytes:
        """The first device list."""
        device = {"device_id": self.device_id, "dsk": self.dsk.public, "dik": self.dik.public}
        return device_list.write({"version": 1, "account_id": self.account_id, "aik": self.aik.public,
                                  "list_version": 1, "previous": bytes(32), "devices": [device]},
                                 self.aik.private, extra)


def person(data: dict[str, Any]) -> Person:
    """Reads a person, and checks that points and ids are what they must be."""
    pairs = {name.lower(): KeyPair(bytes.fromhex(data[name]["private"]), bytes.fromhex(data[name]["public"]))
             for name in ("AIK", "DSK", "DIK", "SPK", "OPK", "DK")}
    for pair in pairs.values():
        if public_of(pair.private) != pair.public:
            raise ValueError("a point that is not of its scalar")
    found = Person(**pairs, spk_id=data["SPK"]["id"], opk_id=data["OPK"]["id"], dk_id=data["DK"]["id"],
                   device_id=bytes.fromhex(data["device_id"]), mailbox=bytes.fromhex(data["mailbox"]),
                   account_id=bytes.fromhex(data["account_id"]))
    if device_list.account_id(found.aik.public) != found.account_id:
        raise ValueError("an account id that is not of its key")
    return found


def shown(pair: KeyPair) -> dict[str, str]:
    """A key pair as vectors show it."""
    return {"private": pair.private.hex(), "public": pair.public.hex()}
