"""messages.json, file.json and file_frame.json."""

from collections.abc import Callable
from typing import Any

from sotto import messages as talking
from sotto.files import File, Frame, read_frame, top_of, tree
from sotto.primitives import sha256, u32
from sotto.schema import (Bool, Bytes, Choice, Choices, Exactly, Fixed, Integer, ListOf, Pair, Point, Shape, Structure,
                          Text, Variant)

from .case import Case, octets
from .people import person

KINDS: dict[str, tuple[Shape, Callable[[bytes], Any]]] = {
    "message": (talking.MESSAGE, talking.read_message),
    "ephemeral": (talking.EPHEMERAL, talking.read_ephemeral),
    "carried": (talking.CARRIED, talking.read_carried),
    "link_frame": (talking.LINK_FRAME, talking.read_link_frame),
}
SHORT = 100


def messages(case: Case) -> dict[str, Any]:
    """What is said is written and read, or read only."""
    shape, read = KINDS[case["kind"]]
    if "A" in case:
        person(case["A"])
    if "encoded" in case:
        read(case.bytes("encoded"))
        return {"accepted": True}
    value = value_of(shape, case["fields"])
    encoded = shape.write(value)
    if read(encoded) != value:
        raise AssertionError("what was written is not what is read")
    found = {"encoded": encoded.hex()}
    if isinstance(value, Variant) and value.name == "Body":
        found["body_hash"] = talking.body_hash(encoded).hex()
    return found


def value_of(shape: Shape, data: Any) -> Any:
    """The value that a vector tells in JSON. A message's body stands in the place of its one field."""
    match shape:
        case Structure():
            fields = {field.name: field for field in shape.fields.values()}
            return {name: value_of(fields[name].shape, value) for name, value in data.items()}
        case Choice():
            name, fields = data["type"], {key: value for key, value in data.items() if key != "type"}
            structure = shape.structure(name)
            if name == "Body":
                fields = {"body": fields}
            return Variant(name, value_of(structure, fields))
        case ListOf():
            return [value_of(shape.item, item) for item in data]
        case Pair():
            return data["id"], bytes.fromhex(data["public"])
        case Choices():
            return shape.names[data]
        case Integer() | Exactly():
            return int(data)
        case Fixed() | Bytes() | Point():
            return octets(data)
        case Text() | Bool():
            return data
    raise ValueError(f"no JSON for {shape}")


def file(case: Case) -> dict[str, Any]:
    """A whole file, a tree of made-up leaves, one chunk, or a size."""
    if "file_key" not in case:
        largest = File(case.bytes("file_id"), bytes(32), case["size"])
        return {"hdr": largest.header.hex(), "chunks": largest.chunks}
    if "chunk" in case:
        return _chunk(case)
    sealing = File(case.bytes("file_id"), case.bytes("file_key"), case["size"])
    if "chunks" in case:
        if case["chunks"] != sealing.chunks:
            raise AssertionError("another number of chunks")
        top = tree([sha256(b"leaf" + u32(index)) for index in range(sealing.chunks)])
        return {"top": top.hex(), "root": sealing.root(top).hex()}
    content = case.bytes("content")
    parts = [content[at:at + 65_536] for at in range(0, max(1, len(content)), 65_536)]
    sealed = [sealing.seal(index, part) for index, part in enumerate(parts)]
    if [sealing.open(index, chunk) for index, chunk in enumerate(sealed)] != parts:
        raise AssertionError("what was sealed is not what opens")
    key, commit = sealing.secrets
    top = top_of(sealed)
    return {
        "hdr": sealing.header.hex(),
        "K": key.hex(),
        "commit": commit.hex(),
        "aad": sha256(sealing.header).hex(),
        "chunks": [_shown(sealing, index, chunk) for index, chunk in enumerate(sealed)],
        "top": top.hex(),
        "root": sealing.root(top).hex(),
    }


def file_frame(case: Case) -> dict[str, Any]:
    """The head of a frame of the file channel is written and read, or read only."""
    if case.refused:
        read_frame(case.bytes("head"), case["data_length"])
        return {}
    said = dict(case["fields"])
    frame = Frame(case.bytes("file_id")[:4], said.pop("type"), **said)
    head = frame.head()
    if read_frame(head, case["data_length"]) != frame:
        raise AssertionError("what was written is not what is read")
    return {"head": head.hex()}


def _shown(sealing: File, index: int, chunk: bytes) -> dict[str, Any]:
    found = {"nonce": sealing.nonce(index).hex(), "length": len(chunk), "sha256": sha256(chunk).hex(),
             "leaf": sha256(b"\0" + u32(index) + chunk).hex()}
    return found | ({"sealed": chunk.hex()} if len(chunk) < SHORT else {})


def _chunk(case: Case) -> dict[str, Any]:
    key = case.bytes("another_file_key" if "another_file_key" in case else "file_key")
    opening = File(case.bytes("file_id"), key, case["claimed_size" if "claimed_size" in case else "size"])
    sealed = case.bytes("sealed")
    plaintext = opening.open(case["chunk"], sealed)
    return {"leaf": sha256(b"\0" + u32(case["chunk"]) + sealed).hex(), "plaintext": plaintext.hex()}
