"""Points, scalars and ECDH on P-256 (sections 1.1 and 1.3)."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .errors import Refused
from .primitives import Randomness

CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

POINT_LENGTH = 33
SCALAR_LENGTH = 32


def point(data: bytes) -> ec.EllipticCurvePublicKey:
    """Reads a compressed point: 33 bytes, first 02 or 03, on the curve."""
    if len(data) != POINT_LENGTH or data[0] not in (2, 3):
        raise Refused("bad-point", "not 33 bytes that begin with 02 or 03")
    return _on_curve(data)


def uncompressed_point(data: bytes) -> ec.EllipticCurvePublicKey:
    """Reads HPKE's `enc`: 65 bytes, first 04, on the curve."""
    if len(data) != 65 or data[0] != 4:
        raise Refused("bad-point", "not 65 bytes that begin with 04")
    return _on_curve(data)


def _on_curve(data: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, data)
    except ValueError:
        raise Refused("bad-point", "not on the curve") from None


def scalar(data: bytes) -> int:
    """Reads a private scalar: 32 bytes, not zero, below the order."""
    value = int.from_bytes(data, "big")
    if len(data) != SCALAR_LENGTH or not 0 < value < ORDER:
        raise Refused("bad-secret", "not 32 bytes between 1 and the order")
    return value


def private_key(data: bytes) -> ec.EllipticCurvePrivateKey:
    """The private key of a scalar of 32 bytes."""
    return ec.derive_private_key(scalar(data), CURVE)


def compressed(key: ec.EllipticCurvePublicKey) -> bytes:
    """33 bytes, SEC 1."""
    return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def uncompressed(key: ec.EllipticCurvePublicKey) -> bytes:
    """65 bytes, SEC 1."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def public_of(private: bytes) -> bytes:
    """The compressed public point of a private scalar."""
    return compressed(private_key(private).public_key())


def ecdh(private: bytes, public: bytes) -> bytes:
    """`ECDH(a, B)`: the 32-byte x-coordinate."""
    return private_key(private).exchange(ec.ECDH(), point(public))


def generate(randomness: Randomness) -> bytes:
    """A fresh private scalar: 32 random bytes, drawn again while out of range.

    They are read little-endian, which is nobody's business but makes the draws of the vectors fit.
    """
    while True:
        drawn = randomness(SCALAR_LENGTH)[::-1]
        if 0 < int.from_bytes(drawn, "big") < ORDER:
            return drawn
