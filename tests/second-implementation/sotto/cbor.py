"""The part of CBOR that section 1.4 uses: a writer of heads, the check of the whole input, and a reader of items."""

from collections.abc import Iterator

from .errors import Refused

UNSIGNED, NEGATIVE, BYTES, TEXT, LIST, MAP, TAG, SIMPLE = range(8)
FALSE, TRUE, NULL = 0xF4, 0xF5, 0xF6
DEEPEST = 8


def malformed(why: str) -> Refused:
    """The refusal of everything that has not the shape its structure prescribes."""
    return Refused("malformed", why)


def _not_deterministic(why: str) -> Refused:
    return Refused("not-deterministic", why)


def head(major: int, number: int) -> bytes:
    """A major type and its argument in the shortest form (RFC 8949 §4.2.1)."""
    if number < 24:
        return bytes([major << 5 | number])
    for extra, length in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * length:
            return bytes([major << 5 | extra]) + number.to_bytes(length, "big")
    raise ValueError("an integer of more than 64 bits")


class Reader:
    """Reads items one after another from an input that was checked against its limit.

    The whole first item is checked for deterministic encoding before anything of it is read. That it ends too early is
    left to be found by whoever reads it: a list may be too long before that.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        try:
            self.skip()
        except Refused as refusal:
            if refusal.rule != "malformed":
                raise
        self._at = 0

    def end(self) -> None:
        """Refuses bytes after the value."""
        if self._at != len(self._data):
            raise malformed("bytes after the value")

    def unsigned(self, bits: int) -> int:
        """An unsigned integer that fits so many bits."""
        number = self._expect(UNSIGNED)
        if number >> bits:
            raise malformed(f"an integer of more than {bits} bits")
        return number

    def bytes(self) -> bytes:
        """A byte string."""
        return self._take(self._expect(BYTES))

    def text(self) -> str:
        """A text string in UTF-8."""
        try:
            return self._take(self._expect(TEXT)).decode()
        except UnicodeDecodeError:
            raise malformed("text that is not UTF-8") from None

    def list(self) -> int:
        """The announced length of a list."""
        return self._expect(LIST)

    def bool(self) -> bool:
        """True or false."""
        first = self._take(1)[0]
        if first not in (FALSE, TRUE):
            raise malformed("not a bool")
        return first == TRUE

    def null(self) -> bool:
        """Takes a `null` if one is next."""
        if self._data[self._at:self._at + 1] == bytes([NULL]):
            self._at += 1
            return True
        return False

    def map_keys(self) -> Iterator[int]:
        """Yields each key of a map; the caller reads or skips the value."""
        for _ in range(self._expect(MAP)):
            yield self._expect(UNSIGNED)

    def skip(self, depth: int = 0) -> None:
        """Passes one item of any kind, and refuses what is not deterministic in it."""
        major, number = self._head()
        if major in (BYTES, TEXT):
            self._take(number)
        elif major in (LIST, MAP):
            if depth == DEEPEST:
                raise _not_deterministic("nested too deep")
            before = -1
            for _ in range(number):
                if major == MAP:
                    before = self._following_key(before)
                self.skip(depth + 1)

    def _following_key(self, before: int) -> int:
        major, key = self._head()
        if major != UNSIGNED or key <= before:
            raise _not_deterministic("keys are unsigned integers and ascend")
        return key

    def _expect(self, wanted: int) -> int:
        major, number = self._head()
        if major != wanted:
            raise malformed(f"major type {major} where {wanted} belongs")
        return number

    def _head(self) -> tuple[int, int]:
        first = self._take(1)[0]
        major, extra = first >> 5, first & 31
        if major in (NEGATIVE, TAG) or major == SIMPLE and first not in (FALSE, TRUE, NULL):
            raise _not_deterministic("a kind that does not occur")
        if extra < 24:
            return major, extra
        if extra > 27:
            raise _not_deterministic("indefinite or reserved length")
        number = int.from_bytes(self._take(1 << extra - 24), "big")
        if len(head(major, number)) != 1 + (1 << extra - 24):
            raise _not_deterministic("not the shortest form")
        return major, number

    def _take(self, length: int) -> bytes:
        if length > len(self._data) - self._at:
            raise malformed("ends too early")
        self._at += length
        return self._data[self._at - length:self._at]
