"""vault_record.json, vault_slot.json, recovery_key.json, backup.json, backup_content.json."""

from collections.abc import Callable
from typing import Any

from sotto import backup as backups, device_list, passphrase, vault
from sotto.backup import CHUNK_LENGTH, HEAD_LENGTH
from sotto.passphrase import Cost, read_cost
from sotto.points import public_of
from sotto.primitives import Randomness, sha256
from sotto.schema import Variant
from sotto.vault import Head, Place

from .case import Case, described, octets


def vault_record(case: Case) -> dict[str, Any]:
    """A record is sealed for its place, or read in one."""
    key = case.bytes("vault_key")
    place = Place(case["store"], case.bytes("key"), case["schema"], case["revision"])
    if case.refused:
        vault.open_record(key, place, case.bytes("record"))
        return {}
    content = case.bytes("content")
    record = vault.seal_record(key, place, content, case.draws.next("nonce"))
    if vault.open_record(key, place, record) != content:
        raise AssertionError("what was sealed is not what opens")
    return {"store_key": vault.store_key(key, place.store).hex(), "aad": place.aad.hex(), "record": record.hex(),
            "name": vault.record_name(key, place).hex()}


def _stretch(case: Case) -> tuple[Cost, bytes]:
    data = case.bytes("stretch")
    cost = read_cost(data)
    cost.check()
    return cost, data[8:]


def vault_slot(case: Case) -> dict[str, Any]:
    """A passphrase, a cost, or a slot table: made, changed, or read."""
    if "passphrase" in case:
        if "stretch" not in case:
            passphrase.password(case["passphrase"])
            return {}
        cost, salt = _stretch(case)
        return {"pk": passphrase.stretch(case["passphrase"], salt, cost).hex()}
    if "do" in case:
        return _change(case)
    pk = case.bytes("pk") if "pk" in case else vault.NO_PK
    if "table" in case:
        vault.open_table(case.bytes("table"), pk)
        return {}
    head = Head(None)
    if "stretch" in case:
        head = Head(*_stretch(case))
    key = case.bytes("vault_key")
    return _told(vault.new_table(head, pk, key, _after(case, "slot")), [(pk if "pk" in case else None, vault.MAIN, key)])


def _change(case: Case) -> dict[str, Any]:
    """What is done to a table, by whom: `what[ to another's passphrase][, opened with another's]`."""
    what, _, opener = case["do"].partition(", opened with ")
    what, _, wanted = what.partition(" to ")
    table, main_key = case.bytes("table"), case.bytes("vault_key")
    decoy_key = case.bytes("decoy_vault_key") if "decoy_vault_key" in case else b""
    pk = case.bytes(opener or "pk")
    keys = {"main": case.bytes("pk"), "decoy": case.bytes("duress_pk")}
    randomness = _after(case, "slot", "r")
    if what == "set passphrase":
        new_pk = case.bytes(wanted or "new_pk")
        keys["decoy" if opener else "main"] = new_pk
        changed = vault.change_passphrase(table, pk, new_pk, randomness)
    elif what == "set duress":
        changed = vault.set_duress(table, pk, case.bytes(wanted or "duress_pk"), decoy_key, randomness)
    elif what == "remove duress":
        changed = vault.remove_duress(table, pk, randomness)
    else:
        changed = vault.remove_passphrases(table, pk, randomness)
    if what == "remove passphrases":
        return _told(changed, [(None, vault.MAIN, main_key)])
    opens = [(keys["main"], vault.MAIN, main_key)]
    if what != "remove duress":
        opens.append((keys["decoy"], vault.DECOY, decoy_key))
    return _told(changed, opens)


def _after(case: Case, *purposes: str) -> Randomness:
    """The draws, without those before the first of these purposes."""
    while case.draws.upcoming and not case.draws.upcoming.startswith(purposes):
        case.draws.next()
    return case.draws


def _told(table: bytes, opens: list[tuple[bytes | None, int, bytes]]) -> dict[str, Any]:
    found = []
    for pk, role, key in opens:
        opened = vault.open_table(table, vault.NO_PK if pk is None else pk)
        if (opened.role, opened.vault_key) != (role, key):
            raise AssertionError("another vault opens")
        found.append({"pk": "none" if pk is None else pk.hex(), "number": opened.slot, "role": opened.role,
                      "vault_key": opened.vault_key.hex()})
    return {"table": table.hex(), "opens": found}


def recovery_key(case: Case) -> dict[str, Any]:
    """The text form of a key, or a text that is read."""
    if "text" in case:
        return {"key": backups.read_recovery_text(case["text"]).hex()}
    key = case.bytes("key")
    text = backups.recovery_text(key)
    if backups.read_recovery_text(text) != key:
        raise AssertionError("the text form is another key's")
    return {"checksum": backups.checksum(key).hex(), "text": text}


def backup(case: Case) -> dict[str, Any]:
    """A backup of items, or a head, a size, an edited backup, or contents that are refused."""
    if "head" in case:
        backups.read_head(case.bytes("head"))
        return {}
    if "size" in case:
        backups.chunks_in(case["size"])
        return {}
    secret = case.bytes("recovery_key" if "recovery_key" in case else "pk")
    if "plaintext" in case:
        head = backups.Head(None, case.bytes("r"))
        plaintext = b"".join(_chunk_with(chunk) for chunk in case["plaintext"])
        backups.open_(backups.seal(head, secret, plaintext), case.bytes("key"))
        return {}
    items = [octets(item) for item in case["items"]]
    r = case.draws.next("r")
    if "stretch" in case:
        cost, salt = _stretch(case)
        head = backups.Head(cost, r, salt)
    else:
        head = backups.Head(None, r)
    plaintext = backups.plaintext_of(items)
    whole = backups.seal(head, secret, plaintext)
    full_head, *chunks = _parts(whole)
    if "edit" in case:
        backups.open_(_edited(full_head, chunks, case["edit"]), case.bytes("key"))
        return {}
    if backups.open_(whole, secret) != items:
        raise AssertionError("what was sealed is not what opens")
    return {"head": full_head.hex(), "K": head.keys(secret)[0].hex(), "plaintext_sha256": sha256(plaintext).hex(),
            "chunks": [sha256(chunk).hex() for chunk in chunks], "backup": described(whole, case.expect["backup"])}


def _parts(whole: bytes) -> list[bytes]:
    """Head and sealed chunks."""
    step = CHUNK_LENGTH + 16
    return [whole[:HEAD_LENGTH]] + [whole[at:at + step] for at in range(HEAD_LENGTH, len(whole), step)]


def _chunk_with(told: dict[str, Any]) -> bytes:
    """A chunk of zeros into which bytes are put."""
    chunk = bytearray(told["length"])
    for put in told["put"]:
        data = bytes.fromhex(put["bytes"])
        chunk[put["at"]:put["at"] + len(data)] = data
    return bytes(chunk)


def _edited(head: bytes, chunks: list[bytes], edit: dict[str, Any]) -> bytes:
    data = bytearray(head + b"".join(chunks[number] for number in edit["chunks"]))
    if "cut" in edit:
        del data[-edit["cut"]:]
    data += bytes.fromhex(edit.get("append", ""))
    if "xor" in edit:
        data[edit["xor"]["at"]] ^= edit["xor"]["with"]
    return bytes(data)


def backup_content(case: Case) -> dict[str, Any]:
    """An entry that is written and read, one that is refused, or a row of entries."""
    for name in ("A", "B", "C"):
        if name in case:
            _owner(case[name])
    if "entries" in case:
        return {"accepted": len(backups.read_entries([octets(item) for item in case["entries"]]))}
    if "entry" in case:
        backups.read_entry(case.bytes("entry"))
        return {}
    kind = next(name for name in ("account", "contact", "message") if name in case)
    value = Variant(kind, _FIELDS[kind](case, case[kind]))
    entry = backups.ENTRY.write(value)
    if backups.read_entry(entry) != value:
        raise AssertionError("what was written is not what is read")
    return {"entry": entry.hex()}


def _owner(data: dict[str, Any]) -> tuple[bytes, bytes]:
    """Account key and device list of somebody."""
    private, listed = bytes.fromhex(data["AIK"]["private"]), bytes.fromhex(data["device_list"])
    aik = public_of(private)
    if device_list.read(listed).aik != aik or device_list.account_id(aik).hex() != data["account_id"]:
        raise ValueError("a list of somebody else")
    return private, listed


def _account(case: Case, told: dict[str, Any]) -> dict[str, Any]:
    private, listed = _owner(case[told["key"]])
    return {"version": 1, "aik": private, "device_list": listed, "name": told["name"], "created": told["created"]}


def _contact(case: Case, told: dict[str, Any]) -> dict[str, Any]:
    _, listed = _owner(case[told["of"]])
    standing = backups.ENTRY.structure("contact").fields[4].shape.names[told["standing"]]
    return {"device_list": listed, "name": told["name"], "own_name": told["own_name"], "verified": told["verified"],
            "standing": standing, "mailbox": bytes.fromhex(told["mailbox"]), "token": bytes.fromhex(told["token"])}


def _message(_: Case, told: dict[str, Any]) -> dict[str, Any]:
    number, what = told["what"]
    name = backups.WHAT.names[number]
    if "kind" in what:
        what = {"kind": backups.WHAT.structure(name).fields[0].shape.names[what["kind"]]}
    if "count" in what:
        what = {"count": int(what["count"])}
    return {"lamport": told["lamport"], "author": bytes.fromhex(told["author"]), "sequence": told["sequence"],
            "id": bytes.fromhex(told["message_id"]), "sent_at": told["sent_at"], "what": Variant(name, what)}


_FIELDS: dict[str, Callable[[Case, dict[str, Any]], dict[str, Any]]] = {
    "account": _account,
    "contact": _contact,
    "message": _message,
}
