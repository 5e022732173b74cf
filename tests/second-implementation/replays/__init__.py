"""One function for each file of vectors: makes from a case's `given` and `random` what must equal its `expect`.

For a case with `refused` the same function is called and must raise the refusal.
"""

from collections.abc import Callable
from typing import Any

from . import envelopes, primitives, sessions
from .case import Case

REPLAYS: dict[str, Callable[[Case], dict[str, Any]]] = {
    "labels": primitives.labels,
    "points": primitives.points,
    "signatures": primitives.signatures,
    "x3dh": sessions.x3dh,
    "ratchet": sessions.ratchet,
    "envelope": envelopes.envelope,
}
