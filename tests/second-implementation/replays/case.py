"""A case of a file of vectors, as docs/vectors/README.md describes it."""

import json
from pathlib import Path
from typing import Any

from sotto.primitives import sha256

VECTORS = Path(__file__).resolve().parents[3] / "docs" / "vectors" / "v1"


class Draws:
    """The random bytes of a case or a step, in the order drawn."""

    def __init__(self, draws: list[dict[str, str]]) -> None:
        self._draws = draws
        self._at = 0

    def next(self, purpose: str | None = None) -> bytes:
        """The next draw; with a purpose, the next draw for that."""
        while True:
            draw = self._draws[self._at]
            self._at += 1
            if purpose is None or draw["for"] == purpose:
                return bytes.fromhex(draw["bytes"])

    @property
    def upcoming(self) -> str:
        """What the next draw is for; nothing when there is none."""
        return self._draws[self._at]["for"] if self._at < len(self._draws) else ""

    def __call__(self, length: int) -> bytes:
        """The next draw, in the place of a source of randomness."""
        drawn = self.next()
        if len(drawn) != length:
            raise ValueError(f"a draw of {len(drawn)} bytes where {length} are wanted")
        return drawn


class Case:
    """A case. It remembers what of `given` was looked at."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.name: str = data["name"]
        self.draws = Draws(data["random"])
        self.expect: dict[str, Any] | None = data.get("expect")
        self.refused: str | None = data.get("refused")
        self._given: dict[str, Any] = data["given"]
        self._used: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._given

    def __getitem__(self, key: str) -> Any:
        self._used.add(key)
        return self._given[key]

    def bytes(self, key: str) -> bytes:
        """A given string of bytes."""
        return octets(self[key])

    @property
    def unused(self) -> set[str]:
        """What was given and not looked at."""
        return self._given.keys() - self._used


def octets(value: str | dict[str, Any]) -> bytes:
    """Bytes in hexadecimal, by formula, or by what stands before zeros."""
    if isinstance(value, str):
        return bytes.fromhex(value)
    if "prefix" in value:
        return bytes.fromhex(value["prefix"]).ljust(value["length"], b"\0")
    if value["formula"] != "i mod 251":
        raise ValueError(f"unknown formula {value['formula']}")
    return bytes(i % 251 for i in range(value["length"]))


def described(data: bytes, wanted: str | dict[str, Any]) -> str | dict[str, Any]:
    """Bytes as a vector wants them: in hexadecimal, or by length and hash."""
    if isinstance(wanted, str):
        return data.hex()
    return {"length": len(data), "sha256": sha256(data).hex()}


def structures() -> set[str]:
    """The names of all files of vectors."""
    return {path.stem for path in VECTORS.glob("*.json")}


def cases(structure: str) -> list[Case]:
    """The cases of a file."""
    data = json.loads((VECTORS / f"{structure}.json").read_text())
    if data["protocol"] != 1 or data["structure"] != structure:
        raise ValueError(f"{structure}.json says that it is something else")
    names = [case["name"] for case in data["cases"]]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"{structure}.json has no cases or names one twice")
    return [Case(case) for case in data["cases"]]
