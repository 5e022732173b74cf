"""The keys of a device and its account (section 2)."""

from dataclasses import dataclass

from . import bundle, device_list
from .device_list import Device, account_id
from .points import generate, public_of
from .primitives import SUITE, Randomness


@dataclass(frozen=True)
class KeyPair:
    """A private scalar and its point."""

    private: bytes
    public: bytes


def key_pair(private: bytes) -> KeyPair:
    """The pair of a private scalar."""
    return KeyPair(private, public_of(private))


@dataclass(frozen=True)
class OwnKeys:
    """Everything an account with one device holds. Numbers of keys are the second in which they were made."""

    aik: KeyPair
    dsk: KeyPair
    dik: KeyPair
    spk_id: int
    spk: KeyPair
    dk_id: int
    dk: KeyPair
    device_id: bytes
    device_list: bytes
    bundle: bytes

    @property
    def entry(self) -> Device:
        """The entry of this device."""
        return Device(self.aik.public, self.device_id, self.dsk.public, self.dik.public)


def make(randomness: Randomness, now: int) -> OwnKeys:
    """Makes an account with one device; `now` in milliseconds."""
    aik, dsk, dik, spk, dk = (key_pair(generate(randomness)) for _ in range(5))
    device_id, number = randomness(16), now // 1000
    listed = device_list.write({
        "version": 1, "account_id": account_id(aik.public), "aik": aik.public, "list_version": 1, "previous": bytes(32),
        "devices": [{"device_id": device_id, "dsk": dsk.public, "dik": dik.public}],
    }, aik.private, randomness(32))
    published = bundle.write({
        "version": 1, "suite": SUITE, "aik": aik.public, "device_id": device_id, "dsk": dsk.public, "dik": dik.public,
        "signed_prekey": (number, spk.public), "delivery_key": (number, dk.public), "created": now,
    }, dsk.private, randomness(32))
    return OwnKeys(aik, dsk, dik, number, spk, number, dk, device_id, listed, published)
