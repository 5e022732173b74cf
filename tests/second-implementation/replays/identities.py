"""device_list.json, device_list_succession.json, bundle.json, invite.json, safety_number.json."""

from typing import Any

from sotto import bundle as bundles, device_list as lists, invite as invites, safety_number as numbers
from sotto.device_list import DEVICE_LIST, account_id
from sotto.invite import Link
from sotto.primitives import SUITE

from .case import Case
from .people import person


def device_list(case: Case) -> dict[str, Any]:
    """A list is written and read, or read only."""
    if case.refused:
        lists.read(case.bytes("device_list"))
        return {}
    a = person(case["A"])
    if "devices" not in case:
        shown = bytes.fromhex(case.expect["device_list"])
        read = lists.read(shown)
        if read.aik != a.aik.public:
            raise AssertionError("the list of somebody else")
        return {"device_list": shown.hex(), "hash": read.hash.hex()}
    previous = lists.read(case.bytes("before")).hash if "before" in case else bytes(32)
    if "before" in case or case["version"] == 1:
        if previous != case.bytes("previous"):
            raise AssertionError("another hash of the list before")
    devices = [{"device_id": bytes.fromhex(device["id"]), "dsk": bytes.fromhex(device["DSK"]),
                "dik": bytes.fromhex(device["DIK"])} for device in case["devices"]]
    if "second" in case and person(case["second"]).device_id != devices[1]["device_id"]:
        raise AssertionError("the second device is somebody else's")
    fields = {"version": 1, "account_id": account_id(a.aik.public), "aik": a.aik.public,
              "list_version": case["version"], "previous": case.bytes("previous"), "devices": devices}
    written = lists.write(fields, a.aik.private, case.draws.next("signature"))
    return {"signed": DEVICE_LIST.write(fields).hex(), "device_list": written.hex(),
            "hash": lists.read(written).hash.hex()}


def device_list_succession(case: Case) -> dict[str, Any]:
    """How a list, shown or named, stands to the one that is held."""
    held = lists.read(case.bytes("held"))
    if "named" in case:
        named = case["named"]
        return {"standing": lists.standing_of_name(held, named["version"], bytes.fromhex(named["hash"]))}
    return {"standing": lists.standing(held, lists.read(case.bytes("list")))}


def bundle(case: Case) -> dict[str, Any]:
    """A bundle is written and read under a list, or read only."""
    listed, now = lists.read(case.bytes("device_list")), case["now"]
    if case.refused:
        bundles.read(case.bytes("bundle"), listed, now)
        return {}
    a = person(case["A"])
    fields = {"version": 1, "suite": SUITE, "aik": a.aik.public, "device_id": a.device_id, "dsk": a.dsk.public,
              "dik": a.dik.public, "signed_prekey": (a.spk_id, a.spk.public), "delivery_key": (a.dk_id, a.dk.public),
              "created": case["created"]}
    written = bundles.write(fields, a.dsk.private, case.draws.next("bundle signature"))
    return {"signed": bundles.BUNDLE.write(fields).hex(), "bundle": written.hex(),
            "created": bundles.read(written, listed, now)["created"]}


def invite(case: Case) -> dict[str, Any]:
    """A whole invite, or a link, a card, a box, or its contents alone."""
    if "link" in case:
        link = invites.read_link(case["link"], case["origin"])
        return {"s": link.secret.hex(), "account_hash": link.account.hex()}
    secret = case.bytes("s")
    if "card" in case:
        invites.open_card(secret, case.bytes("card"))
        return {}
    b = person(case["B"])
    if "contents" in case:
        invites.read_contents(Link(secret, case.bytes("account_hash")), case.bytes("contents"), case["now"])
        return {}
    link = Link(secret, invites.account_hash(b.aik.public))
    if "box" in case:
        invites.open_bundle(link, case.bytes("box"), case["now"])
        return {}
    derived = invites.keys(secret)
    fields = {"device_list": case.bytes("device_list"), "bundle": case.bytes("bundle"),
              "one_time_prekey": (b.opk_id, b.opk.public), "mailbox": b.mailbox, "token": case.bytes("token")}
    card = invites.seal_card(secret, case["name"], case.draws.next("nonce of the card"))
    box = invites.seal_bundle(secret, fields, case.draws.next("nonce of the box"))
    written = invites.write_link(case["origin"], link)
    opened = invites.open_bundle(invites.read_link(written, case["origin"]), box, case["now"])
    if (opened.one_time_prekey, opened.mailbox, opened.token) != ((b.opk_id, b.opk.public), b.mailbox, fields["token"]):
        raise AssertionError("the box holds something else")
    if invites.open_card(secret, card) != case["name"]:
        raise AssertionError("the card holds something else")
    return {
        "invite_id": derived.invite_id.hex(),
        "invite_name": derived.name.hex(),
        "invite_enc": derived.enc.hex(),
        "invite_psk": derived.psk.hex(),
        "invite_tag": derived.tag.hex(),
        "account_hash": link.account.hex(),
        "link": written,
        "card": card.hex(),
        "contents": invites.BOX.write(fields).hex(),
        "box": box.hex(),
    }


def safety_number(case: Case) -> dict[str, Any]:
    """The safety number of two accounts, or a scanned code."""
    ours, theirs = (bytes.fromhex(case[whose]["public"]) for whose in ("ours", "theirs"))
    if case.refused:
        numbers.compare(case.bytes("scanned"), ours, theirs)
        return {}
    our_qr, their_qr = numbers.qr_payload(ours, theirs), numbers.qr_payload(theirs, ours)
    numbers.compare(their_qr, ours, theirs)
    return {
        "our_fingerprint": numbers.fingerprint(ours).hex(),
        "their_fingerprint": numbers.fingerprint(theirs).hex(),
        "digits": numbers.safety_number(ours, theirs),
        "our_qr": our_qr.hex(),
        "their_qr": their_qr.hex(),
    }
