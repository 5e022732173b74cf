"""The part of CBOR that section 1.4 uses: a deterministic writer and a reader of items (RFC 8949)."""

from .errors import Refused

UNSIGNED, NEGATIVE, BYTES, TEXT, LIST, MAP, TAG, SIMPLE = range(8)
NULL = 0xF6
BREAK = 0xFF
INDEFINITE = 31


def malformed(why: str) -> Refused:
    """The refusal of everything that has not the shape its structure prescribes."""
    return Refused("malformed", why)


def head(major: int, number: int) -> bytes:
    """A major type and its argument in the shortest form (RFC 8949 §4.2.1)."""
    if number < 24:
        return bytes([major << 5 | number])
    for extra, length in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * length:
            return bytes([major << 5 | extra]) + number.to_bytes(length, "big")
    raise ValueError("an integer of more than 64 bits")


class Reader:
    """Reads items one after another from an input that was checked against its limit."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def end(self) -> None:
        """Refuses bytes after the value."""
        if self._at != len(self._data):
            raise malformed("bytes after the value")

    def unsigned(self, bits: int) -> int:
        """An unsigned integer; longer encodings than necessary are taken, larger numbers than fit are not."""
        number = self._definite(UNSIGNED)
        if number >> bits:
            raise malformed(f"an integer of more than {bits} bits")
        return number

    def bytes(self) -> bytes:
        """A byte string of definite length."""
        return self._take(self._definite(BYTES))

    def text(self) -> str:
        """A text string of definite length, in UTF-8."""
        try:
            return self._take(self._definite(TEXT)).decode()
        except UnicodeDecodeError:
            raise malformed("text that is not UTF-8") from None

    def list(self) -> int:
        """The announced length of a list of definite length."""
        return self._definite(LIST)

    def null(self) -> bool:
        """Takes a `null` if one is next."""
        if self._peek() == NULL:
            self._at += 1
            return True
        return False

    def map_keys(self):
        """Yields each integer key of a map, of definite or indefinite length; the caller reads or skips the value."""
        major, number = self._head()
        if major != MAP:
            raise malformed("not a map")
        left = number
        while left is None or left > 0:
            if left is None:
                if self._peek() == BREAK:
                    self._at += 1
                    return
            else:
                left -= 1
            key_major, key = self._head()
            if key_major == UNSIGNED and key is not None:
                yield key
            elif key_major == NEGATIVE and key is not None:
                yield -1 - key
            else:
                raise malformed("a key that is not an integer")

    def skip(self) -> None:
        """Skips one well-formed item of any kind, without recursion."""
        open_items: list[int | None] = [1]
        while open_items:
            left = open_items[-1]
            if left == 0:
                open_items.pop()
                continue
            if left is None and self._peek() == BREAK:
                self._at += 1
                open_items.pop()
                continue
            if left is not None:
                open_items[-1] = left - 1
            inside = self._open()
            if inside != 0:
                open_items.append(inside)

    def _open(self) -> int | None:
        """Reads one head, and the content of a string; says how many items follow inside, None until a break."""
        major, number = self._head()
        if major in (BYTES, TEXT):
            if number is None:
                self._chunks(major)
            else:
                self._take(number)
        elif major == LIST:
            return number
        elif major == MAP:
            return None if number is None else 2 * number
        elif major == TAG:
            return 1
        return 0

    def _chunks(self, major: int) -> None:
        """Skips a string of indefinite length: definite chunks of the same type up to the break."""
        while self._peek() != BREAK:
            self._take(self._definite(major))
        self._at += 1

    def _definite(self, wanted: int) -> int:
        major, number = self._head()
        if major != wanted:
            raise malformed(f"major type {major} where {wanted} belongs")
        if number is None:
            raise malformed("indefinite length")
        return number

    def _head(self) -> tuple[int, int | None]:
        first = self._take(1)[0]
        major, extra = first >> 5, first & 31
        if extra < 24:
            return major, extra
        if extra < 28:
            return major, int.from_bytes(self._take(1 << extra - 24), "big")
        if extra == INDEFINITE and major in (BYTES, TEXT, LIST, MAP):
            return major, None
        raise malformed("not well-formed")

    def _peek(self) -> int:
        if self._at >= len(self._data):
            raise malformed("ends too early")
        return self._data[self._at]

    def _take(self, length: int) -> bytes:
        if length > len(self._data) - self._at:
            raise malformed("ends too early")
        self._at += length
        return self._data[self._at - length:self._at]
