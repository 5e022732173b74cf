"""What a client and its server say: frames of the socket and bodies of requests (section 14)."""

from .challenge import AUTHENTICATION
from .device_list import ID_LENGTH
from .envelope import SIZES
from .points import POINT_LENGTH
from .primitives import labelled_hash, sha256
from .schema import Bytes, Choice, Choices, Field, Fixed, Integer, ListOf, Structure

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
}

ANSWERS = {
    "/v1/envelopes": Structure({}),
    "/v1/invites": Structure({}),
    "/v1/invites/card": Structure({0: Field("card", CARD), 1: Field("expires", Integer(64))}),
    "/v1/invites/redeem": Structure({0: Field("bundle", INVITE_BUNDLE)}),
    "/v1/invites/revoke": Structure({}),
    "/v1/prekeys": Structure({0: Field("bundle", PREKEY_BUNDLE), 1: Field("one_time", ONE_TIME_PREKEY, optional=True)}),
}

FAILURE = Structure({0: Field("code", CODE), 1: Field("request_id", Fixed(8)),
                     2: Field("retry_after", NUMBER, optional=True)})


def envelope_id(blob: bytes) -> bytes:
    """`SHA-256(blob)[..16]` (1.5)."""
    return sha256(blob)[:ID_LENGTH]


def owner_hash(secret: bytes) -> bytes:
    """What the server keeps of an invite's owner secret (4.3)."""
    return labelled_hash("invite-owner", secret)
