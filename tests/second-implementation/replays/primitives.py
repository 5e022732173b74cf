"""labels.json, points.json, signatures.json."""

from typing import Any

from sotto import points as curve
from sotto import primitives, signatures as ecdsa

from .case import Case


def labels(case: Case) -> dict[str, Any]:
    """Every label and what the primitives give under it."""
    name = primitives.label(case["purpose"], case.bytes("context"))
    return {
        "label": name.hex(),
        "H": primitives.labelled_hash(case["purpose"], case.bytes("data")).hex(),
        "HKDF": primitives.hkdf(case.bytes("salt"), case.bytes("ikm"), name, 64).hex(),
        "HMAC": primitives.hmac(case.bytes("ikm"), case.bytes("data")).hex(),
    }


def points(case: Case) -> dict[str, Any]:
    """Scalars, points, ECDH."""
    if "point" in case:
        return {"uncompressed": curve.uncompressed(curve.point(case.bytes("point"))).hex()}
    private = case.bytes("private")
    found = {"public": curve.public_of(private).hex()}
    if "their_private" in case:
        theirs = curve.public_of(case.bytes("their_private"))
        found |= {"their_public": theirs.hex(), "ECDH": curve.ecdh(private, theirs).hex()}
    return found


def signatures(case: Case) -> dict[str, Any]:
    """Signatures: verified, then made again."""
    kind, data, private = case["type"], case.bytes("bytes"), case.bytes("private")
    ecdsa.verify(case.bytes("public"), kind, data, case.bytes("signature"))
    return {"signature": ecdsa.sign(private, kind, data, case.draws.next("hedge")).hex()}
