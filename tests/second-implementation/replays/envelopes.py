"""envelope.json."""

from typing import Any

from sotto import envelope as sealing, hpke, invite
from sotto.envelope import Content
from sotto.points import private_key, uncompressed
from sotto.primitives import sha256

from .case import Case, described
from .people import person


def envelope(case: Case) -> dict[str, Any]:
    """A seals to B, or B finds what it must refuse."""
    a, b = person(case["A"]), person(case["B"])
    theirs = sealing.dik_tag_key(b.dik.private, a.dik.public)
    if case.refused:
        content = sealing.open_(case.bytes("blob"), b.mailbox, b.dk_id, b.dk.private, b.account_id)
        sealing.check_tag(content, theirs, b.mailbox, b.dk_id)
        return {}
    tag_key = sealing.dik_tag_key(a.dik.private, b.dik.public)
    if tag_key != theirs:
        raise AssertionError("the two sides have different tag keys")
    if "s" in case:
        tag_key = invite.keys(case.bytes("s")).tag
    carried = case.bytes("carried")
    tag = sealing.sender_tag(tag_key, b.mailbox, b.dk_id, a.account_id, a.device_id, carried)
    content = Content(a.account_id, a.device_id, tag, carried)
    ikm = case.draws.next("HPKE")
    blob = sealing.seal(content, b.mailbox, b.dk_id, b.dk.public, ikm)
    opened = sealing.open_(blob, b.mailbox, b.dk_id, b.dk.private, b.account_id)
    sealing.check_tag(opened, tag_key, b.mailbox, b.dk_id)
    if opened != content:
        raise AssertionError("what was sealed is not what opens")
    number = sealing.SIZES.index(len(blob))
    return {
        "size": len(blob),
        "tag_key": tag_key.hex(),
        "sender_tag": tag.hex(),
        "info": sealing.INFO.hex(),
        "aad": sealing.aad(b.mailbox, b.dk_id, number).hex(),
        "enc": uncompressed(private_key(hpke.derive_key_pair(ikm)).public_key()).hex(),
        "blob": described(blob, case.expect["blob"]),
        "envelope_id": sha256(blob)[:16].hex(),
    }
