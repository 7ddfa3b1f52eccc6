"""Explaining: all that is known of one contact's way through the chains, and why it is not in the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import duckdb

from marketing import calendar
from marketing.calendar import Span
from marketing.channels import CHANNELS, EMAIL, FEED, PHONE, POST, SMS, VOICE, WEBHOOK
from marketing.gate import GROUNDS
from marketing.graph import Graph, Step
from marketing.relation import DEFERRED, MIGRATED, STAYS
from warehouse.engine import statement
from warehouse.passing.gate import MADE

__all__ = ["Door", "Explanation", "Life", "NoSuchContact", "Verdict", "explain", "find"]


class NoSuchContact(LookupError):
    """No contact goes by that id."""


@dataclass(frozen=True)
class Door:
    """How a chain lets contacts in: its audience's query with the parameters it is asked with."""

    chain: str
    query: str
    params: Mapping[str, object]
    reenter_after: Span | None


@dataclass(frozen=True)
class Life:
    """One enrolment: where it stands or how it ended. `due_at` is when the contact moves on without an answer."""

    chain: str
    wave: int
    version: int
    enrolment_id: int
    held_out: bool
    enrolled_at: datetime
    run: str
    stands_at: str
    kind: str  #: of the step: wait, send, rest, holdout, end …
    since: datetime
    reason: str
    due_at: datetime | None
    hears: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        return self.kind != "end"


@dataclass(frozen=True)
class Verdict:
    """Why a contact is not in a chain, or is: inside, entered_recently, not_in_audience, may_enter, unasked."""

    chain: str
    verdict: str
    until: datetime | None = None  #: entered_recently: when it may enter again; None: never
    params: Mapping[str, object] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True)
class Explanation:
    """Everything about one contact, as rows; instants are naive UTC."""

    contact: dict
    as_of: datetime
    permissions: list[dict]  #: channel, purpose, allowed, ground
    consents: list[dict]
    suppressions: list[dict]
    lives: list[Life]
    verdicts: list[Verdict]
    moves: list[dict]
    touches: list[dict]
    refusals: list[dict]
    responses: list[dict]


def find(snapshot, name: str) -> dict:
    """The contact that goes by `name`: the company's own id first, else the number given at load.

    Raises NoSuchContact.
    """
    number = int(name) if name.isdecimal() and len(name) < 12 else -1
    rows = snapshot.sql(statement("explaining/contact"), client_id=name, contact_id=number).to_pylist()
    if not rows:
        raise NoSuchContact(f"no contact goes by {name!r}; give the id of your own files (client_id), or the number "
                            "that Relance gave it (contact_id)")
    return rows[0]


def explain(snapshot, contact: dict, doors: Sequence[Door], graphs: Mapping[tuple[str, int], Graph], *, as_of: datetime,
            latencies: Mapping[str, timedelta] | None = None) -> Explanation:
    """All about the contact that `find` returned. `graphs` by chain and version number; `latencies` by connector,
    from acceptance to arrival."""
    contact_id = contact["contact_id"]

    def asked(name: str, **values) -> list[dict]:
        return snapshot.sql(statement(f"explaining/{name}"), contact_id=contact_id, **values).to_pylist()

    moves, touches, consents = asked("moves"), asked("touches"), asked("consents")
    lives = _lives(moves, touches, graphs, latencies or {}, snapshot.warehouse.house.zone)
    customer = asked("customer")[0]["lines"] > 0
    suppressions = asked("suppressions", as_of=as_of, email_key=contact["email_key"], phone_key=contact["phone_key"])
    return Explanation(
        contact, as_of, _permissions(contact, consents, suppressions, customer), consents, suppressions, lives,
        [_verdict(snapshot, contact_id, door, lives, as_of) for door in doors],
        moves, touches, asked("refusals"), asked("responses"))


def _lives(moves: Sequence[dict], touches: Sequence[dict], graphs: Mapping, latencies: Mapping, zone: str) -> list[Life]:
    by_enrolment: dict[int, list[dict]] = {}
    for move in moves:
        by_enrolment.setdefault(move["enrolment_id"], []).append(move)
    return [_life(path, [t for t in touches if t["enrolment_id"] == enrolment_id], graphs, latencies, zone)
            for enrolment_id, path in by_enrolment.items()]


def _life(path: Sequence[dict], touches: Sequence[dict], graphs: Mapping, latencies: Mapping, zone: str) -> Life:
    path = sorted(path, key=lambda move: move["seq"])
    first, last = path[0], path[-1]
    graph: Graph = graphs[last["chain"], last["version"]]
    step = graph.step(last["to_step"])
    due_at = None if step.kind == "end" else last["due_at"]
    if step.kind == "wait" and last["reason"] != DEFERRED:
        due_at = _silence(graphs, step, path, touches, latencies, zone)
    return Life(
        chain=last["chain"], wave=first["wave"], version=last["version"], enrolment_id=first["enrolment_id"],
        held_out=first["to_step"] == "holdout", enrolled_at=first["moved_at"], run=first["run"], stands_at=step.name,
        kind=step.kind, since=last["moved_at"], reason=last["reason"], due_at=due_at,
        hears=tuple(edge.on for edge in graph.out(step.name) if edge.on not in ("otherwise", "next")))


def _silence(graphs: Mapping, step: Step, path: Sequence[dict], touches: Sequence[dict], latencies: Mapping,
             zone: str) -> datetime | None:
    """When a wait takes silence for an answer: its time after the last of its touches was made; None while one of
    them is still to be settled. Who was moved along from a wait, or stays at one for a further channel, has waited
    since before."""
    waits = [graphs[move["chain"], move["version"]].step(move["to_step"]).kind == "wait" for move in path]
    along = [move["reason"] in (MIGRATED, *STAYS) for move in path]
    heard_before = [move["moved_at"] for move, waited, same in zip(path[1:], waits, along[1:]) if waited and not same]
    since = max(heard_before, default=path[0]["moved_at"])
    while along[-1] and waits[-2]:
        path, waits, along = path[:-1], waits[:-1], along[:-1]
    own = [touch for touch in touches if touch["planned_at"] >= since]
    if any(touch["outcome"] is None for touch in own):
        return None
    made = [touch["settled_at"] + latencies.get(touch["connector"], timedelta())
            for touch in own if touch["outcome"] in MADE]
    return calendar.add(max([path[-1]["moved_at"], *made]), step.within, zone)


def _verdict(snapshot, contact_id: int, door: Door, lives: Sequence[Life], as_of: datetime) -> Verdict:
    here = [life for life in lives if life.chain == door.chain]
    if any(life.active for life in here):
        return Verdict(door.chain, "inside", params=door.params)
    if here:
        again = None
        if door.reenter_after is not None:
            again = calendar.add(max(life.enrolled_at for life in here), door.reenter_after, snapshot.warehouse.house.zone)
        if again is None or again > as_of:
            return Verdict(door.chain, "entered_recently", again, door.params)
    try:
        found = snapshot.sql(f"SELECT count(*) AS many FROM ({door.query}) AS a WHERE contact_id = $contact_id_asked",
                             **{**door.params, "as_of": as_of, "contact_id_asked": contact_id})["many"][0].as_py()
    except duckdb.Error as error:
        return Verdict(door.chain, "unasked", params=door.params, detail=str(error).splitlines()[0])
    return Verdict(door.chain, "may_enter" if found else "not_in_audience", params=door.params)


def _permissions(contact: dict, consents: Sequence[dict], suppressions: Sequence[dict], customer: bool) -> list[dict]:
    """For each channel on which the contact can be reached and each purpose: whether, and on which ground."""
    reach = {EMAIL: contact["email_key"] is not None, POST: bool(contact["by_post"]), FEED: False, WEBHOOK: False,
             **dict.fromkeys((SMS, PHONE, VOICE), contact["phone_key"] is not None)}
    said = {(row["channel"], row["purpose"]): row["status"] for row in consents}
    found = []
    for channel, purpose in sorted(GROUNDS, key=lambda pair: (sorted(CHANNELS).index(pair[0]), str(pair[1]))):
        if reach[channel] and purpose != "transactional":
            status, grounds = said.get((channel, str(purpose))), GROUNDS[channel, purpose]
            ground = _ground(status, grounds, customer)
            stopped = any(_stops(row, channel, str(purpose)) for row in suppressions)
            found.append({"channel": channel, "purpose": str(purpose), "allowed": ground is not None and not stopped,
                          "ground": "suppressed" if stopped else ground or status or "no_consent"})
    return found


def _stops(row: dict, channel: str, purpose: str) -> bool:
    """Whether a suppression closes a channel for a purpose; one of an address closes what goes to that address."""
    of_another = {"email": channel != EMAIL, "phone": channel not in (SMS, PHONE, VOICE)}.get(row["of_address"], False)
    return (row["in_force"] and row["channel"] in (None, channel) and row["purpose"] in (None, "all", purpose)
            and not of_another)


def _ground(status: str | None, grounds: frozenset[str], customer: bool) -> str | None:
    if status in ("refused", "withdrawn"):
        return None
    if status == "granted":
        return "granted"
    if customer and "customer" in grounds:
        return "customer"
    return "no_objection" if "no_objection" in grounds else None
