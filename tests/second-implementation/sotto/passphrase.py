"""Passphrases (section 15.2)."""

import unicodedata
from dataclasses import dataclass

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from .errors import Refused
from .primitives import u32

LONGEST = 1_024
SALT_LENGTH = 16
LEAST_MEMORY, MOST_MEMORY = 19_456, 262_144
LEAST_PASSES = 2
MOST_WORK = 1_048_576


@dataclass(frozen=True)
class Cost:
    """Memory in KiB and passes."""

    memory: int
    passes: int

    def check(self) -> None:
        """Refuses what is too weak or too costly."""
        if self.memory < LEAST_MEMORY or self.passes < LEAST_PASSES:
            raise Refused("too-weak")
        if self.memory > MOST_MEMORY or self.memory * self.passes > MOST_WORK:
            raise Refused("too-costly")

    def write(self) -> bytes:
        """`m u32 ‖ t u32`."""
        return u32(self.memory) + u32(self.passes)


def read_cost(data: bytes) -> Cost:
    """Reads `m u32 ‖ t u32`."""
    return Cost(int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big"))


def password(passphrase: str) -> bytes:
    """`UTF-8(NFKC(passphrase))`."""
    if not passphrase:
        raise Refused("empty")
    if len(passphrase.encode()) > LONGEST:
        raise Refused("too-long")
    return unicodedata.normalize("NFKC", passphrase).encode()


def stretch(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    """`pk`."""
    cost.check()
    kdf = Argon2id(salt=salt, length=32, iterations=cost.passes, lanes=1, memory_cost=cost.memory)
    return kdf.derive(password(passphrase))
