"""The outer form of signed structures (section 3)."""

from typing import Any

from .schema import Field, Fixed, Bytes, Shape, Structure, read_plain, read_signed
from .signatures import SIGNATURE_LENGTH


def outer(limit: int) -> Structure:
    """`{0: signed (bytes), 1: signature (bytes 64)}`, a plain structure."""
    return Structure({0: Field("signed", Bytes(limit)), 1: Field("signature", Fixed(SIGNATURE_LENGTH))})


def wrap(signed: bytes, signature: bytes) -> bytes:
    """Puts signed bytes and signature together."""
    return outer(len(signed)).write({"signed": signed, "signature": signature})


def unwrap(shape: Shape, data: bytes, limit: int) -> tuple[Any, bytes, bytes]:
    """Reads the outer map as plain and the inner structure as signed: the structure, its bytes, the signature."""
    parts = read_plain(outer(limit), data, limit)
    return read_signed(shape, parts["signed"], limit), parts["signed"], parts["signature"]
