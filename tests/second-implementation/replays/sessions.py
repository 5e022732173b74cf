"""x3dh.json and ratchet.json."""

import copy
from typing import Any

from sotto import invite, messages, x3dh as agreeing
from sotto.errors import Refused
from sotto.keys import KeyPair, key_pair
from sotto.points import ecdh, generate
from sotto.ratchet import Session, chain_step, root_step
from sotto.x3dh import Agreement, First, InvitePart

from .case import Case, Draws, octets
from .people import Person, person, shown

NOW = 0


def x3dh(case: Case) -> dict[str, Any]:
    """A begins a session with B and seals its first message."""
    a, b = person(case["A"]), person(case["B"])
    with_opk = case["one_time_prekey"]
    derived = invite.keys(case.bytes("s")) if "s" in case else None
    part = InvitePart(derived.invite_id, derived.psk) if derived else None
    if case.refused and case["role"] == "responder":
        return _respond(case["first"], a, b, with_opk, part)
    ek = key_pair(generate(lambda _: case.draws.next("EK")))
    agreement = agreeing.initiate(a.own_device, b.entry, b.prekeys(with_opk), part, ek.private)
    first = First(ek.public, b.spk_id, b.opk_id if with_opk else None, part and part.invite_id)
    mine = agreeing.respond(b.own_device, a.entry, b.prekeys(with_opk), part, first, b.spk.private,
                            b.opk.private if with_opk else None)
    if mine != agreement:
        raise AssertionError("the two sides disagree")
    listed = a.device_list(case.draws.next("device list signature"))
    plaintext = case.bytes("plaintext")
    draws = Draws(case.expect["first_message"]["random"])
    initiator = Side(Session.initiator(agreement, b.spk.public, generate(lambda _: draws.next("ratchet key"))))
    sealed = initiator.seal("A", "seal", plaintext, draws)
    sealed["random"] = case.expect["first_message"]["random"]
    prefix = {"AIK": a.aik.public, "device_list": listed, "EK": ek.public, "spk_id": b.spk_id}
    prefix |= {"opk_id": b.opk_id} if with_opk else {}
    prefix |= {"invite_id": part.invite_id} if part else {}
    return _shown(a, b, ek, with_opk, part, agreement) | {
        "device_list_A": listed.hex(),
        "first_message": sealed,
        "carried": messages.write_carried(bytes.fromhex(sealed["message"]), prefix).hex(),
    }


def _respond(named: dict[str, Any], a: Person, b: Person, with_opk: bool, part: InvitePart | None) -> dict[str, Any]:
    first = First(bytes.fromhex(named["EK"]), named["spk_id"], named.get("opk_id"),
                  bytes.fromhex(named["invite_id"]) if "invite_id" in named else None)
    agreeing.respond(b.own_device, a.entry, b.prekeys(with_opk), part, first, b.spk.private,
                     b.opk.private if with_opk else None)
    return {}


def _shown(a: Person, b: Person, ek: KeyPair, with_opk: bool, part: InvitePart | None,
           agreement: Agreement) -> dict[str, Any]:
    dh4 = ecdh(ek.private, b.opk.public) if with_opk else bytes(32)
    return {
        "EK": shown(ek),
        "flags": agreeing.flags(with_opk, part is not None),
        "DH1": ecdh(a.dik.private, b.spk.public).hex(),
        "DH2": ecdh(ek.private, b.dik.public).hex(),
        "DH3": ecdh(ek.private, b.spk.public).hex(),
        "DH4": dh4.hex(),
        "PSK": (part.psk if part else bytes(32)).hex(),
        "invite_id": (part.invite_id if part else bytes(16)).hex(),
        "th": agreement.th.hex(),
        "SK": agreement.sk.hex(),
        "session_id": agreement.session_id.hex(),
    }


def ratchet(case: Case) -> dict[str, Any]:
    """A conversation in steps."""
    a, b = person(case["A"]), person(case["B"])
    given = case["x3dh"]
    ek = key_pair(generate(lambda _: case.draws.next("EK")))
    agreement = agreeing.initiate(a.own_device, b.entry, b.prekeys(with_opk=True), None, ek.private)
    if _shown(a, b, ek, True, None, agreement) != given:
        raise AssertionError("another agreement")
    initiator = Session.initiator(agreement, b.spk.public, generate(lambda _: case.draws.next("ratchet key")))
    sides = {"A": Side(initiator), "B": Side(Session.responder(agreement, b.spk.private))}
    return {"steps": [sides[step["by"]].do(step) for step in case.expect["steps"]]}


class Side:
    """One side of a session, with what the vectors want to see of its sending."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shown_key: bytes | None = None

    def do(self, step: dict[str, Any]) -> dict[str, Any]:
        """Does a step again."""
        if step["do"] == "lose":
            for _ in range(step["count"]):
                self._session.seal(b"", bytes)
            return step
        if step["do"].startswith("seal"):
            done = self.seal(step["by"], step["do"], octets(step["plaintext"]), Draws(step["random"]))
            return done | {"random": step["random"]}
        return {"by": step["by"], "do": step["do"], "message": step["message"]} | self._open(step)

    def _open(self, step: dict[str, Any]) -> dict[str, Any]:
        before = copy.deepcopy(self._session)
        opening = self._session.open if step["do"] == "open" else self._session.open_ephemeral
        try:
            return {"plaintext": opening(octets(step["message"]), NOW).hex()}
        except Refused as refusal:
            if self._session != before:
                raise AssertionError("a refusal changed the state") from None
            return {"refused": refusal.rule}

    def seal(self, by: str, how: str, plaintext: bytes, draws: Draws) -> dict[str, Any]:
        """Seals, and shows every key on the way."""
        session = self._session
        before = copy.deepcopy(session)
        message = session.seal(plaintext, draws) if how == "seal" else session.seal_ephemeral(plaintext, draws)
        sending, agreement = session.sending, session.agreement
        found: dict[str, Any] = {"by": by, "do": how, "plaintext": plaintext.hex(), "pn": sending.pn,
                                 "message": message.hex()}
        chain = before.sending.chain if before.sending else b""
        if sending.public != self._shown_key:
            root = agreement.sk if before.answered else before.root
            rk, chain, xk = root_step(root, sending.private, session.peer)
            found["root_step"] = {"ratchet_key": shown(KeyPair(sending.private, sending.public)),
                                  "ECDH": ecdh(sending.private, session.peer).hex(),
                                  "RK": rk.hex(), "CK": chain.hex(), "XK": xk.hex()}
            self._shown_key = sending.public
        if how == "seal":
            mk, _ = chain_step(chain)
            key, nonce = session.message_key(mk, message[59:75])
            found |= {"n": sending.n - 1, "mk": mk.hex()}
        else:
            key, nonce = session.ephemeral_key(sending.ephemeral, sending.public, sending.x - 1, message[59:75])
            found["x"] = sending.x - 1
        return found | {"key": key.hex(), "nonce": nonce.hex()}
