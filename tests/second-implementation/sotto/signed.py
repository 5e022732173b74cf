"""The outer form of signed structures (section 3)."""

from typing import Any

from . import signatures
from .errors import Refused
from .schema import Bytes, Field, Fixed, Shape, Structure, read_plain, read_signed


def outer(limit: int) -> Structure:
    """`{0: signed (bytes), 1: signature (bytes 64)}`, a plain structure."""
    return Structure({0: Field("signed", Bytes(limit)), 1: Field("signature", Fixed(signatures.SIGNATURE_LENGTH))})


def wrap(signed: bytes, signature: bytes) -> bytes:
    """Puts signed bytes and signature together."""
    return outer(len(signed)).write({"signed": signed, "signature": signature})


def verify(public: bytes, kind: str, data: bytes, signature: bytes) -> None:
    """Verifies the signature of a structure; whatever is wrong with it has one name."""
    try:
        signatures.verify(public, kind, data, signature)
    except Refused:
        raise Refused("bad-signature") from None


def unwrap(shape: Shape, data: bytes, limit: int) -> tuple[Any, bytes, bytes]:
    """Reads the outer map as plain and the inner structure as signed: the structure, its bytes, the signature."""
    parts = read_plain(outer(limit), data, limit)
    return read_signed(shape, parts["signed"], limit), parts["signed"], parts["signature"]
