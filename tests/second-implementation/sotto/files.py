"""Files: manifest, chunks and hash tree, frames of the file channel (section 13)."""

from dataclasses import dataclass

from .errors import Refused
from .primitives import TAG_LENGTH, gcm_open, gcm_seal, hkdf, label, sha256, u8, u32, u64
from .schema import Exactly, Field, Fixed, Integer, Structure, Text

CHUNK_LENGTH = 65_536
MOST_BYTES = 2**38
MOST_CHUNKS = 2**22
HEAD_LENGTH = 12
CREDIT, CANCEL = 0xFFFFFFFF, 0xFFFFFFFE

MANIFEST = Structure({
    0: Field("version", Exactly(1, "unknown-version")),
    1: Field("file_id", Fixed(16)),
    2: Field("file_key", Fixed(32)),
    3: Field("size", Integer(64, most=MOST_BYTES)),
    4: Field("root", Fixed(32), optional=True),
    5: Field("name", Text(1_024)),
    6: Field("media_type", Text(255)),
})


@dataclass(frozen=True)
class File:
    """The derivations of one file under one key."""

    file_id: bytes
    key: bytes
    size: int

    def __post_init__(self) -> None:
        if self.size > MOST_BYTES:
            raise Refused("too-large")

    @property
    def header(self) -> bytes:
        """`hdr`, 30 bytes."""
        return b"SOTF" + u8(1) + u8(16) + u64(self.size) + self.file_id

    @property
    def chunks(self) -> int:
        """How many chunks; an empty file is one empty chunk."""
        return max(1, -(-self.size // CHUNK_LENGTH))

    @property
    def secrets(self) -> tuple[bytes, bytes]:
        """K and commit."""
        out = hkdf(self.file_id, self.key, label("file", sha256(self.header)), 64)
        return out[:32], out[32:]

    def chunk_length(self, index: int) -> int:
        """The length of the plaintext of a chunk."""
        return min(CHUNK_LENGTH, self.size - index * CHUNK_LENGTH)

    def nonce(self, index: int) -> bytes:
        """The nonce of a chunk; the last one's is marked."""
        return bytes(7) + u32(index) + u8(index == self.chunks - 1)

    def seal(self, index: int, plaintext: bytes) -> bytes:
        """Chunk `index`: ciphertext ‖ tag."""
        if len(plaintext) != self.chunk_length(index):
            raise Refused("wrong-length")
        return gcm_seal(self.secrets[0], self.nonce(index), plaintext, sha256(self.header))

    def open(self, index: int, sealed: bytes) -> bytes:
        """The plaintext of chunk `index`."""
        if index >= self.chunks:
            raise Refused("no-such-chunk")
        if len(sealed) != self.chunk_length(index) + TAG_LENGTH:
            raise Refused("wrong-length")
        try:
            return gcm_open(self.secrets[0], self.nonce(index), sealed, sha256(self.header))
        except Refused:
            raise Refused("bad-chunk") from None

    def root(self, top: bytes) -> bytes:
        """The root over the top of the tree."""
        return sha256(b"\2" + self.header + self.secrets[1] + u32(self.chunks) + top)


def leaf(index: int, sealed: bytes) -> bytes:
    """`leaf i`."""
    return sha256(b"\0" + u32(index) + sealed)


def top_of(sealed: list[bytes]) -> bytes:
    """The top of the tree over all sealed chunks."""
    return tree([leaf(index, chunk) for index, chunk in enumerate(sealed)])


def tree(leaves: list[bytes]) -> bytes:
    """The top of a tree in the shape of RFC 6962 §2.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + tree(leaves[:split]) + tree(leaves[split:]))


@dataclass(frozen=True)
class Frame:
    """The head of a frame: data (chunk, offset), credit (chunks) or cancel."""

    transfer: bytes
    type: str
    chunk: int = 0
    offset: int = 0
    chunks: int = 0

    def head(self) -> bytes:
        """The 12 bytes."""
        second, third = {"data": (self.chunk, self.offset), "credit": (CREDIT, self.chunks),
                         "cancel": (CANCEL, 0)}[self.type]
        return self.transfer + u32(second) + u32(third)


def read_frame(head: bytes, data_length: int) -> Frame:
    """Reads a head that so many bytes follow (13.3)."""
    if len(head) < HEAD_LENGTH:
        raise Refused("short", "a frame shorter than its head")
    transfer, second, third = head[:4], int.from_bytes(head[4:8]), int.from_bytes(head[8:12])
    if second == CREDIT:
        if data_length:
            raise Refused("malformed", "credit with data")
        if third > MOST_CHUNKS:
            raise Refused("out-of-bounds")
        return Frame(transfer, "credit", chunks=third)
    if second == CANCEL:
        if data_length or third:
            raise Refused("malformed", "cancel that says more")
        return Frame(transfer, "cancel")
    if not data_length:
        raise Refused("malformed", "data without data")
    if second >= MOST_CHUNKS or third + data_length > CHUNK_LENGTH + TAG_LENGTH:
        raise Refused("out-of-bounds")
    return Frame(transfer, "data", chunk=second, offset=third)
