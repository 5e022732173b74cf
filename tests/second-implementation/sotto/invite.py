"""Invites: link, what the secret gives, name card and bundle box (sections 4.1 and 4.2)."""

import base64
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from . import bundle, device_list
from .bundle import NUMBERED_KEY
from .device_list import ID_LENGTH, DeviceList
from .errors import Refused
from .primitives import NONCE_LENGTH, TAG_LENGTH, gcm_open, gcm_seal, hkdf, label, labelled_hash, same, u16
from .schema import Bytes, Field, Fixed, Structure, read_plain

LINK_LIMIT = 2048
SECRET_LENGTH = 32
CARD_LENGTH = 256
BOX_LENGTH = 4096

BOX = Structure({
    0: Field("device_list", Bytes(device_list.LIMIT)),
    1: Field("bundle", Bytes(bundle.LIMIT)),
    2: Field("one_time_prekey", NUMBERED_KEY),
    3: Field("mailbox", Fixed(ID_LENGTH)),
    4: Field("token", Fixed(32)),
})


@dataclass(frozen=True)
class Link:
    """What a link says: the secret and the hash of the inviter's account key."""

    secret: bytes
    account: bytes


def account_hash(aik: bytes) -> bytes:
    """`H("invite-account", AIK)`."""
    return labelled_hash("invite-account", aik)


def write_link(origin: str, link: Link) -> str:
    """`ORIGIN/i#v1.BASE64URL(…)`."""
    return f"{origin}/i#v1.{_base64(link.secret + link.account)}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read_link(text: str, origin: str) -> Link:
    """Reads a whole link or only its fragment, on a page of that origin."""
    if len(text.encode()) > LINK_LIMIT:
        raise Refused("malformed", "too long")
    before, mark, fragment = text.strip().rpartition("#")
    if mark and before:
        _check_page(before, origin)
    found = re.fullmatch(r"v([0-9]{1,3})\.(.*)", fragment, re.DOTALL)
    if not found or found[1] == "0":
        raise Refused("malformed", "not v, a number and a dot")
    if found[1] != "1":
        raise Refused("newer-version")
    return _read_content(found[2])


def _check_page(before: str, origin: str) -> None:
    """The part before the sign is the page's own origin and the path of invites."""
    one, other = urlsplit(before), urlsplit(origin)
    if (one.scheme.lower(), one.netloc.lower()) != (other.scheme.lower(), other.netloc.lower()):
        raise Refused("other-server")
    if (one.path.rstrip("/"), one.query) != ("/i", ""):
        raise Refused("malformed", "another path")


def _read_content(text: str) -> Link:
    if not re.fullmatch(r"[A-Za-z0-9_-]{86}", text):
        raise Refused("malformed", "not 86 characters of base64url")
    data = base64.urlsafe_b64decode(text + "==")
    if _base64(data) != text:
        raise Refused("malformed", "not canonical")
    return Link(data[:SECRET_LENGTH], data[SECRET_LENGTH:])


@dataclass(frozen=True)
class Keys:
    """What the secret gives (4.2)."""

    invite_id: bytes
    name: bytes
    enc: bytes
    psk: bytes
    tag: bytes


def keys(secret: bytes) -> Keys:
    """Derives everything that the secret gives."""
    def derive(purpose: str, length: int) -> bytes:
        return hkdf(b"", secret, label(purpose), length)

    return Keys(invite_id=derive("invite-id", 16), name=derive("invite-name", 32), enc=derive("invite-enc", 32),
                psk=derive("invite-psk", 32), tag=derive("invite-tag", 32))


def seal_box(key: bytes, invite_id: bytes, content: bytes, length: int, nonce: bytes) -> bytes:
    """Seals a box of fixed length: `nonce 12 ‖ GCM(u16 length ‖ content ‖ zeros) ‖ tag 16`."""
    room = length - NONCE_LENGTH - TAG_LENGTH - 2
    if len(content) > room:
        raise Refused("too-large")
    return nonce + gcm_seal(key, nonce, u16(len(content)) + content + bytes(room - len(content)), invite_id)


def open_box(key: bytes, invite_id: bytes, box: bytes, length: int) -> bytes:
    """Opens a box of that length."""
    if len(box) != length:
        raise Refused("malformed", "size of the box")
    plaintext = gcm_open(key, box[:NONCE_LENGTH], box[NONCE_LENGTH:], invite_id)
    said, content = int.from_bytes(plaintext[:2], "big"), plaintext[2:]
    if said > len(content):
        raise Refused("malformed", "a length beyond the box")
    if any(content[said:]):
        raise Refused("malformed", "padding that is not zero")
    return content[:said]


def seal_card(secret: bytes, name: str, nonce: bytes) -> bytes:
    """The name card: the inviter's name."""
    derived = keys(secret)
    return seal_box(derived.name, derived.invite_id, name.encode(), CARD_LENGTH, nonce)


def open_card(secret: bytes, box: bytes) -> str:
    """The inviter's name, as it was written."""
    derived = keys(secret)
    try:
        return open_box(derived.name, derived.invite_id, box, CARD_LENGTH).decode()
    except UnicodeDecodeError:
        raise Refused("malformed", "a name that is not UTF-8") from None


def seal_bundle(secret: bytes, fields: dict[str, Any], nonce: bytes) -> bytes:
    """The bundle box."""
    derived = keys(secret)
    return seal_box(derived.enc, derived.invite_id, BOX.write(fields), BOX_LENGTH, nonce)


@dataclass(frozen=True)
class Opened:
    """A bundle box that was opened and verified."""

    device_list: DeviceList
    bundle: dict[str, Any]
    one_time_prekey: tuple[int, bytes]
    mailbox: bytes
    token: bytes


def open_bundle(link: Link, box: bytes, now: int) -> Opened:
    """Opens the bundle box and verifies what is in it."""
    derived = keys(link.secret)
    return read_contents(link, open_box(derived.enc, derived.invite_id, box, BOX_LENGTH), now)


def read_contents(link: Link, contents: bytes, now: int) -> Opened:
    """Verifies list, account hash and bundle, in this order."""
    fields = read_plain(BOX, contents, BOX_LENGTH)
    listed = device_list.read(fields["device_list"])
    if not same(account_hash(listed.aik), link.account):
        raise Refused("wrong-account")
    read = bundle.read(fields["bundle"], listed, now)
    return Opened(listed, read, fields["one_time_prekey"], fields["mailbox"], fields["token"])
