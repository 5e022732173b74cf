"""What a client and its server say: frames of the socket and bodies of requests (section 14)."""

import ipaddress
import re

from .cbor import Reader
from .challenge import AUTHENTICATION
from .device_list import ID_LENGTH
from .envelope import SIZES
from .errors import Refused
from .points import POINT_LENGTH
from .primitives import labelled_hash, sha256
from .schema import Bytes, Choice, Choices, Field, Fixed, Integer, ListOf, Structure, Text

FRAME_LIMIT = 131_072
ID = Fixed(ID_LENGTH)
HASH = Fixed(32)
NUMBER = Integer(32)
CLASS = Choices(("stored", "ephemeral"))
BLOB = Bytes(SIZES[-1])
CARD = Bytes(512)
INVITE_BUNDLE = Bytes(4_352)
PREKEY_BUNDLE = Bytes(4_096)
CODE = Choices(("malformed", "too large", "not allowed", "too many requests", "full", "try again", "nothing here",
                "method", "media type", "invite used", "invite gone", "id taken", "another host", "too slow",
                "server's mistake"))
ONE_TIME_PREKEY = Structure({0: Field("id", NUMBER), 1: Field("key", Fixed(POINT_LENGTH))})
TOKENS = {0: Field("request", NUMBER), 1: Field("hashes", ListOf(HASH, 256))}

ICE_TEXT = 256
ICE_URL = re.compile(r"(?:stuns?:PLACE|turns?:PLACE(?:\?transport=(?:udp|tcp))?)".replace(
    "PLACE", r"(?:[A-Za-z0-9._-]+|\[([0-9A-Fa-f:.]+)\])(?::([0-9]+))?"))


class IceUrl(Text):
    """A STUN or TURN URI (14.2)."""

    def read(self, reader: Reader) -> str:
        url = super().read(reader)
        match = ICE_URL.fullmatch(url)
        if match is None:
            raise Refused("out-of-bounds", "not a STUN or TURN URI")
        addresses, ports = (match[1], match[3]), (match[2], match[4])
        try:
            for address in filter(None, addresses):
                ipaddress.IPv6Address(address)
        except ValueError:
            raise Refused("out-of-bounds", "not an IPv6 address") from None
        if any(not 0 < int(port) < 1 << 16 for port in ports if port is not None):
            raise Refused("out-of-bounds", "not a port")
        return url


TURN_SERVER = Structure({
    0: Field("urls", ListOf(IceUrl(ICE_TEXT), 8)), 1: Field("username", Text(ICE_TEXT), optional=True),
    2: Field("credential", Text(ICE_TEXT), optional=True)})

CLIENT_FRAME = Choice({
    "Authenticate": {0: Field("authentication", AUTHENTICATION)},
    "Credit": {0: Field("n", NUMBER)},
    "Acknowledge": {0: Field("sequences", ListOf(Integer(64), 256))},
    "Add tokens": TOKENS,
    "Revoke tokens": TOKENS,
    "Publish prekeys": {0: Field("request", NUMBER), 1: Field("bundle", PREKEY_BUNDLE),
                        2: Field("one_time", ListOf(ONE_TIME_PREKEY, 200))},
    "Ping": {0: Field("n", NUMBER)},
})

SERVER_FRAME = Choice({
    "Challenge": {0: Field("version", Integer(16)), 1: Field("nonce", HASH)},
    "Welcome": {0: Field("acknowledged", Integer(64)), 1: Field("one_time_left", NUMBER), 2: Field("waiting", NUMBER)},
    "Deliver": {0: Field("sequence", Integer(64)), 1: Field("envelope_id", ID), 2: Field("class", CLASS),
                3: Field("blob", BLOB)},
    "Done": {0: Field("request", NUMBER)},
    "Failed": {0: Field("request", NUMBER), 1: Field("code", CODE)},
    "Pong": {0: Field("n", NUMBER)},
    "Drained": {},
})

REQUESTS = {
    "/v1/envelopes": Structure({
        0: Field("mailbox", ID), 1: Field("delivery_token", HASH), 2: Field("envelope_id", ID),
        3: Field("class", CLASS), 4: Field("lifetime", NUMBER), 5: Field("blob", BLOB)}),
    "/v1/invites": Structure({
        0: Field("invite_id", ID), 1: Field("owner_hash", HASH), 2: Field("expires", Integer(64)),
        3: Field("card", CARD), 4: Field("bundle", INVITE_BUNDLE)}),
    "/v1/invites/card": Structure({0: Field("invite_id", ID)}),
    "/v1/invites/redeem": Structure({0: Field("invite_id", ID), 1: Field("redeem_id", ID)}),
    "/v1/invites/revoke": Structure({0: Field("invite_id", ID), 1: Field("owner_secret", HASH)}),
    "/v1/prekeys": Structure({0: Field("mailbox", ID), 1: Field("delivery_token", HASH)}),
    "/v1/turn": Structure({}),
}

ANSWERS = {
    "/v1/envelopes": Structure({}),
    "/v1/invites": Structure({}),
    "/v1/invites/card": Structure({0: Field("card", CARD), 1: Field("expires", Integer(64))}),
    "/v1/invites/redeem": Structure({0: Field("bundle", INVITE_BUNDLE)}),
    "/v1/invites/revoke": Structure({}),
    "/v1/prekeys": Structure({0: Field("bundle", PREKEY_BUNDLE), 1: Field("one_time", ONE_TIME_PREKEY, optional=True)}),
    "/v1/turn": Structure({0: Field("servers", ListOf(TURN_SERVER, 4)), 1: Field("lifetime", NUMBER)}),
}

FAILURE = Structure({0: Field("code", CODE), 1: Field("request_id", Fixed(8)),
                     2: Field("retry_after", NUMBER, optional=True)})


def envelope_id(blob: bytes) -> bytes:
    """`SHA-256(blob)[..16]` (1.5)."""
    return sha256(blob)[:ID_LENGTH]


def owner_hash(secret: bytes) -> bytes:
    """What the server keeps of an invite's owner secret (4.3)."""
    return labelled_hash("invite-owner", secret)
