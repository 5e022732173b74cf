"""X3DH (section 5)."""

from dataclasses import dataclass

from .device_list import Device
from .errors import Refused
from .points import POINT_LENGTH, ecdh, public_of
from .primitives import SUITE, hkdf, label, labelled_hash, u8, u16, u32

USES_OPK = 1
USES_PSK = 2


@dataclass(frozen=True)
class OwnDevice:
    """This device: its entry and the private half of its identity key."""

    entry: Device
    dik_private: bytes


@dataclass(frozen=True)
class Prekeys:
    """What the responder gave: numbers and points of its prekeys."""

    spk_id: int
    spk: bytes
    opk_id: int | None = None
    opk: bytes | None = None


@dataclass(frozen=True)
class InvitePart:
    """What an invite brings into X3DH."""

    invite_id: bytes
    psk: bytes


@dataclass(frozen=True)
class First:
    """What the prefix of a first message says about the keys that were used (7.1)."""

    ek: bytes
    spk_id: int
    opk_id: int | None = None
    invite_id: bytes | None = None


@dataclass(frozen=True)
class Agreement:
    """What both sides have afterwards."""

    th: bytes
    sk: bytes
    session_id: bytes


def flags(opk: bool, invite: bool) -> int:
    """Bit 0: an OPK is used. Bit 1: an invite's PSK is used."""
    return USES_OPK * opk + USES_PSK * invite


def transcript(a: Device, b: Device, prekeys: Prekeys, invite: InvitePart | None, ek: bytes) -> bytes:
    """`th`."""
    used = prekeys.opk is not None
    parts = [u16(SUITE), u8(flags(used, invite is not None))]
    for device in (a, b):
        parts += [device.aik, device.device_id, device.dsk, device.dik]
    parts += [u32(prekeys.spk_id), prekeys.spk]
    parts += [u32(prekeys.opk_id), prekeys.opk] if used else [u32(0), bytes(POINT_LENGTH)]
    parts += [invite.invite_id if invite else bytes(16), ek]
    return labelled_hash("x3dh-transcript", b"".join(parts))


def check_keys(own: Device, peer: Device, prekeys: Prekeys, invite: InvitePart | None, ek: bytes) -> None:
    """Refuses own and repeated keys."""
    refusal = Refused("own-keys")
    if own.device_id == peer.device_id:
        raise refusal
    if {peer.dsk, peer.dik} & {own.aik, own.dsk, own.dik} or {own.dsk, own.dik} & {peer.aik, peer.dsk, peer.dik}:
        raise refusal
    if invite and own.aik == peer.aik:
        raise refusal
    long_lived = {own.aik, own.dsk, own.dik, peer.aik, peer.dsk, peer.dik}
    short_lived = [prekeys.spk, ek] + ([prekeys.opk] if prekeys.opk is not None else [])
    if len(set(short_lived)) != len(short_lived) or long_lived & set(short_lived):
        raise refusal


def _agree(a: Device, b: Device, prekeys: Prekeys, invite: InvitePart | None, ek: bytes, dhs: list[bytes]) -> Agreement:
    th = transcript(a, b, prekeys, invite, ek)
    psk = invite.psk if invite else bytes(32)
    sk = hkdf(bytes(32), b"".join(dhs) + psk, label("x3dh-secret", th), 32)
    return Agreement(th, sk, labelled_hash("session-id", th)[:16])


def initiate(own: OwnDevice, peer: Device, prekeys: Prekeys, invite: InvitePart | None, ek_private: bytes) -> Agreement:
    """A's side; `ek_private` is fresh."""
    ek = public_of(ek_private)
    check_keys(own.entry, peer, prekeys, invite, ek)
    dhs = [ecdh(own.dik_private, prekeys.spk), ecdh(ek_private, peer.dik), ecdh(ek_private, prekeys.spk),
           ecdh(ek_private, prekeys.opk) if prekeys.opk is not None else bytes(32)]
    return _agree(own.entry, peer, prekeys, invite, ek, dhs)


def respond(own: OwnDevice, peer: Device, prekeys: Prekeys, invite: InvitePart | None, first: First,
            spk_private: bytes, opk_private: bytes | None) -> Agreement:
    """B's side, with the keys it holds; refuses a prefix that names others."""
    if (first.spk_id, first.opk_id, first.invite_id) != (prekeys.spk_id, prekeys.opk_id, invite and invite.invite_id):
        raise Refused("other-keys")
    ek = first.ek
    check_keys(own.entry, peer, prekeys, invite, ek)
    dhs = [ecdh(spk_private, peer.dik), ecdh(own.dik_private, ek), ecdh(spk_private, ek),
           ecdh(opk_private, ek) if opk_private is not None else bytes(32)]
    return _agree(peer, own.entry, prekeys, invite, ek, dhs)
