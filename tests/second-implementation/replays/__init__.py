"""One function for each file of vectors: makes from a case's `given` and `random` what must equal its `expect`.

For a case with `refused` the same function is called and must raise the refusal.
"""

from collections.abc import Callable
from typing import Any

from . import contents, envelopes, groups, identities, primitives, servers, sessions, storage
from .case import Case

REPLAYS: dict[str, Callable[[Case], dict[str, Any]]] = {
    "labels": primitives.labels,
    "points": primitives.points,
    "signatures": primitives.signatures,
    "device_list": identities.device_list,
    "device_list_succession": identities.device_list_succession,
    "bundle": identities.bundle,
    "invite": identities.invite,
    "safety_number": identities.safety_number,
    "x3dh": sessions.x3dh,
    "ratchet": sessions.ratchet,
    "envelope": envelopes.envelope,
    "messages": contents.messages,
    "file": contents.file,
    "file_frame": contents.file_frame,
    "server": servers.server,
    "roster": groups.roster,
    "sender_keys": groups.sender_keys,
    "vault_record": storage.vault_record,
    "vault_slot": storage.vault_slot,
    "recovery_key": storage.recovery_key,
    "backup": storage.backup,
    "backup_content": storage.backup_content,
}
