"""server.json."""

from typing import Any

from sotto import challenge, server as serving
from sotto.schema import Shape, Variant, read_plain

from .case import Case
from .contents import value_of

OWNER_SECRET = bytes([2]) * 32
"""What the vector with an owner hash says in its name."""


def server(case: Case) -> dict[str, Any]:
    """A challenge is answered, an answer is checked, or something is written and read."""
    if "kind" in case:
        return _said(_shape(case["kind"]), case["fields"])
    origin, nonce = case["origin"], case.bytes("server_nonce_now" if "server_nonce_now" in case else "server_nonce")
    if case.refused:
        frame = read_plain(serving.CLIENT_FRAME, case.bytes("authentication"), serving.FRAME_LIMIT)
        challenge.check(frame.fields["authentication"], origin, nonce)
        return {}
    fields = challenge.answer(bytes.fromhex(case["DSK"]["private"]), origin, case.bytes("device_id"),
                              case.bytes("mailbox"), nonce, case.bytes("client_nonce"), case.draws.next("hedge"))
    challenge.check(fields, origin, nonce)
    frame = serving.CLIENT_FRAME.write(Variant("Authenticate", {"authentication": fields}))
    return {"signed": challenge.signed_bytes(origin, nonce, fields).hex(), "signature": fields["signature"].hex(),
            "frame": frame.hex()}


def _shape(kind: str) -> Shape:
    if kind in ("client frame", "server frame"):
        return serving.CLIENT_FRAME if kind == "client frame" else serving.SERVER_FRAME
    if kind == "failure":
        return serving.FAILURE
    path, which = kind.split(" ")
    return (serving.REQUESTS if which == "request" else serving.ANSWERS)[path]


def _said(shape: Shape, data: dict[str, Any]) -> dict[str, Any]:
    value = value_of(shape, data)
    encoded = shape.write(value)
    if read_plain(shape, encoded, serving.FRAME_LIMIT) != value:
        raise AssertionError("what was written is not what is read")
    fields = value.fields if isinstance(value, Variant) else value
    if "blob" in fields and fields["envelope_id"] != serving.envelope_id(fields["blob"]):
        raise AssertionError("another envelope id")
    if "owner_hash" in fields and fields["owner_hash"] != serving.owner_hash(OWNER_SECRET):
        raise AssertionError("another owner hash")
    return {"encoded": encoded.hex()}
