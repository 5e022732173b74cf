"""Shapes of structures in the words of section 1.4: maps, choices, enumerations, lists, bytes, text, integers.

A shape writes a Python value as CBOR and reads it back. Structures are dictionaries by field name, variants of a choice
are `Variant`s. An absent optional field is absent from the dictionary.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from .cbor import BYTES, LIST, MAP, TEXT, UNSIGNED, Reader, head, malformed
from .errors import Refused
from .points import POINT_LENGTH, point


class Shape(Protocol):
    """Something that can be written and read."""

    def write(self, value: Any) -> bytes:
        """The deterministic encoding."""

    def read(self, reader: Reader) -> Any:
        """Reads one value, or refuses it."""


@dataclass(frozen=True)
class Variant:
    """One variant of a choice: its name and its fields."""

    name: str
    fields: dict[str, Any]


@dataclass(frozen=True)
class Integer:
    """An unsigned integer of so many bits."""

    bits: int
    most: int | None = None

    def write(self, value: int) -> bytes:
        return head(UNSIGNED, value)

    def read(self, reader: Reader) -> int:
        value = reader.unsigned(self.bits)
        if self.most is not None and value > self.most:
            raise Refused("out-of-bounds", f"more than {self.most}")
        return value


@dataclass(frozen=True)
class Exactly:
    """A field whose only value is this number, such as a version."""

    value: int
    rule: str
    bits: int = 8

    def write(self, value: int) -> bytes:
        return head(UNSIGNED, value)

    def read(self, reader: Reader) -> int:
        if reader.unsigned(self.bits) != self.value:
            raise Refused(self.rule)
        return self.value


@dataclass(frozen=True)
class Fixed:
    """Bytes of exactly one length."""

    length: int

    def write(self, value: bytes) -> bytes:
        return head(BYTES, len(value)) + value

    def read(self, reader: Reader) -> bytes:
        value = reader.bytes()
        if len(value) != self.length:
            raise Refused("out-of-bounds", f"{len(value)} bytes where {self.length} belong")
        return value


@dataclass(frozen=True)
class Point:
    """A compressed point (1.3), kept as its 33 bytes."""

    def write(self, value: bytes) -> bytes:
        return head(BYTES, len(value)) + value

    def read(self, reader: Reader) -> bytes:
        value = reader.bytes()
        if len(value) != POINT_LENGTH:
            raise Refused("out-of-bounds", f"{len(value)} bytes where a point belongs")
        try:
            point(value)
        except Refused:
            raise Refused("bad-key") from None
        return value


@dataclass(frozen=True)
class Bytes:
    """Bytes of at most so many, and at least so many."""

    most: int
    least: int = 0

    def write(self, value: bytes) -> bytes:
        return head(BYTES, len(value)) + value

    def read(self, reader: Reader) -> bytes:
        value = reader.bytes()
        if not self.least <= len(value) <= self.most:
            raise Refused("out-of-bounds", f"{len(value)} bytes")
        return value


@dataclass(frozen=True)
class Text:
    """Text of at most so many bytes of UTF-8."""

    most: int

    def write(self, value: str) -> bytes:
        data = value.encode()
        return head(TEXT, len(data)) + data

    def read(self, reader: Reader) -> str:
        value = reader.text()
        if len(value.encode()) > self.most:
            raise Refused("out-of-bounds", f"more than {self.most} bytes")
        return value


@dataclass(frozen=True)
class Choices:
    """An enumeration: a bare unsigned integer, here its name."""

    names: tuple[str, ...]

    def write(self, value: str) -> bytes:
        return head(UNSIGNED, self.names.index(value))

    def read(self, reader: Reader) -> str:
        number = reader.unsigned(32)
        if number >= len(self.names):
            raise Refused("unknown-type")
        return self.names[number]


@dataclass(frozen=True)
class Bool:
    """True or false."""

    def write(self, value: bool) -> bytes:
        return bytes([0xF4 + value])

    def read(self, reader: Reader) -> bool:
        return reader.bool()


@dataclass(frozen=True)
class ListOf:
    """A list of definite length; the announced length is checked before the first item is read."""

    item: Shape
    most: int
    least: int = 0

    def write(self, value: list) -> bytes:
        return head(LIST, len(value)) + b"".join(self.item.write(item) for item in value)

    def read(self, reader: Reader) -> list:
        length = reader.list()
        if not self.least <= length <= self.most:
            raise Refused("out-of-bounds", f"a list of {length}")
        return [self.item.read(reader) for _ in range(length)]


@dataclass(frozen=True)
class Pair:
    """`[number, key]`: a list of two."""

    first: Shape
    second: Shape

    def write(self, value: tuple) -> bytes:
        return head(LIST, 2) + self.first.write(value[0]) + self.second.write(value[1])

    def read(self, reader: Reader) -> tuple:
        if reader.list() != 2:
            raise malformed("not a list of two")
        return self.first.read(reader), self.second.read(reader)


@dataclass(frozen=True)
class Field:
    """A field of a structure."""

    name: str
    shape: Shape
    optional: bool = False


class Structure:
    """A map with unsigned integer keys: the fields by key."""

    def __init__(self, fields: dict[int, Field]) -> None:
        self.fields = fields

    def write(self, value: dict[str, Any]) -> bytes:
        unknown = value.keys() - {field.name for field in self.fields.values()}
        if unknown:
            raise ValueError(f"no such fields: {unknown}")
        present = [(key, field) for key, field in sorted(self.fields.items())
                   if not field.optional or field.name in value]
        written = (head(UNSIGNED, key) + field.shape.write(value[field.name]) for key, field in present)
        return head(MAP, len(present)) + b"".join(written)

    def read(self, reader: Reader) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for key in reader.map_keys():
            field = self.fields.get(key)
            if field is None:
                reader.skip()
            elif not (field.optional and reader.null()):
                value[field.name] = field.shape.read(reader)
        for field in self.fields.values():
            if not field.optional and field.name not in value:
                raise malformed(f"{field.name} is missing")
        return value


class Choice:
    """A choice: `[n, {…}]`, the variants in order of their numbers."""

    def __init__(self, variants: dict[str, dict[int, Field]]) -> None:
        self.names = list(variants)
        self._structures = {name: Structure(fields) for name, fields in variants.items()}

    def structure(self, name: str) -> Structure:
        """The fields of a variant."""
        return self._structures[name]

    def write(self, value: Variant) -> bytes:
        number = self.names.index(value.name)
        return head(LIST, 2) + head(UNSIGNED, number) + self._structures[value.name].write(value.fields)

    def read(self, reader: Reader) -> Variant:
        if reader.list() != 2:
            raise malformed("a variant is a list of two")
        number = reader.unsigned(32)
        if number >= len(self.names):
            raise Refused("unknown-type")
        name = self.names[number]
        return Variant(name, self._structures[name].read(reader))


def read_plain(shape: Shape, data: bytes, limit: int) -> Any:
    """Reads a plain structure: unknown keys are ignored, bytes after it are not."""
    if len(data) > limit:
        raise Refused("too-large", f"{len(data)} bytes, at most {limit}")
    reader = Reader(data)
    value = shape.read(reader)
    reader.end()
    return value


def read_signed(shape: Shape, data: bytes, limit: int) -> Any:
    """Reads a signed structure: it must be what this writer writes."""
    value = read_plain(shape, data, limit)
    if shape.write(value) != data:
        raise Refused("unknown-field")
    return value
