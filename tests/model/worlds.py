"""Random worlds: chains, a small base of contacts, and a script of what happens to them over weeks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import strategies as st

from marketing import graph
from marketing.chain import CALL_BACK, Chain
from tests.model import gates
from tests.model.facts import Contact
from tests.model.interpreter import Model
from tests.model.random_chains import AUDIENCES, CHANNELS, KEYED, UNKEYED, chains

__all__ = ["ZONE", "Event", "World", "play", "worlds"]

ZONE = "Europe/Paris"
#: Neighbours and strangers: with slices of sixteen contacts they lie in three of them.
CONTACTS = (1, 2, 15, 16, 17, 40)
#: A quiet Monday, the two changes of the clock in Paris, a leap day, the end of a month that the next one lacks.
STARTS = (
    datetime(2026, 1, 5, 8), datetime(2026, 3, 26, 1, 30), datetime(2026, 10, 22, 0, 30), datetime(2024, 2, 27, 23, 15),
    datetime(2026, 1, 30, 12),
)
#: Lengths that chains use too, so that passes meet deadlines exactly, and some that they do not.
GAPS = (
    timedelta(0), timedelta(minutes=1), timedelta(hours=1), timedelta(hours=12), timedelta(days=1), timedelta(days=2),
    timedelta(days=7), timedelta(days=8), timedelta(days=31),
)
OUTCOMES = ("accepted", "rejected", "unknown", "blocked", "duplicate")
#: Dates as an operator types them.
DATES = ("", "soon", "2026-01-09", "2026-03-29T02:30", "2026-10-25T02:30", "2024-02-29", "2020-01-01")


@dataclass(frozen=True)
class Event:
    """One thing that happens at a moment; `what` is pass, drain, answer (keyed if `step`) or suppression.

    pass: `chain`, `people` in its audience, `groups` by audience of its Splits. answer: `people` holds the
    one contact; what happened happened `ago`. An answer to a touch that was never planned is void.
    """

    moment: datetime
    what: str
    chain: str = ""
    people: tuple[int, ...] = ()
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    step: str = ""
    kind: str = ""
    ago: timedelta = timedelta()
    machine: bool = False
    meta: Mapping[str, str] = field(default_factory=dict)
    lasts: timedelta | None = None


@dataclass(frozen=True)
class World:
    """Chains, contacts, a cap, the outcomes of touches by (contact, step, visit), and the events in order."""

    chains: tuple[Chain, ...]
    contacts: tuple[Contact, ...]
    at_most: int
    within_days: int
    outcomes: Mapping[tuple[int, str, int], str]
    events: tuple[Event, ...]

    def outcome(self, contact: int, step: str, visit: int) -> str:
        """What the connector says of a touch: accepted where the script says nothing."""
        return self.outcomes.get((contact, step, visit), "accepted")


def play(world: World) -> Model:
    """Run a world through the slow model: address, suppression, then the cap on what is not transactional."""
    gate = gates.gate_of(
        gates.no_address, gates.suppressed,
        gates.cap(world.at_most, world.within_days, ZONE, frozenset({"commercial", "relationship"})),
    )
    model = Model(world.chains, world.contacts, ZONE, gate, gates.at_send)
    for event in world.events:
        match event.what:
            case "pass":
                model.run_pass(event.chain, event.moment, event.people, event.groups)
            case "drain":
                model.drain(event.moment, lambda touch: world.outcome(touch.contact, touch.step, touch.visit))
            case "suppression":
                until = event.moment + event.lasts if event.lasts else None
                model.suppressed(event.people[0], event.moment, until)
            case "answer":
                _answer(event, model)
    return model


def _answer(event: Event, model: Model) -> None:
    contact = event.people[0]
    touch = model.latest_touch(contact, event.chain, event.step) if event.step else None
    if touch is not None or not event.step:
        model.answered(event.kind, event.moment - event.ago, contact, touch, event.machine, event.meta)


@st.composite
def worlds(draw: st.DrawFn, events: int = 25) -> World:
    """A world of one chain, or of two of which the first may hand over to the second."""
    second = draw(st.one_of(st.none(), chains("spring")))
    first = draw(chains("winter", enrols="spring" if second else None))
    both = (first, second) if second else (first,)
    contacts = tuple(draw(st.lists(st.builds(
        Contact, st.sampled_from(CONTACTS),
        st.sampled_from((frozenset(CHANNELS), frozenset(CHANNELS), frozenset({"email"}), frozenset({"sms", "post"}))),
        zone=st.sampled_from((None, None, "America/New_York")),
    ), min_size=1, max_size=4, unique_by=lambda contact: contact.contact_id)))
    ids = [contact.contact_id for contact in contacts]
    sends = [(chain.name, step.name) for chain in both for step in graph.compile(chain).sends]
    outcomes = draw(st.dictionaries(
        st.tuples(st.sampled_from(ids), st.sampled_from([step for _, step in sends]), st.integers(1, 2)),
        st.sampled_from(OUTCOMES), max_size=6,
    )) if sends else {}
    told = draw(st.lists(_events([chain.name for chain in both], ids, sends), min_size=3, max_size=events))
    return World(both, contacts, draw(st.integers(1, 5)), draw(st.sampled_from((1, 3, 7))), outcomes,
                 tuple(_dated(draw(st.sampled_from(STARTS)), told)))


def _dated(start: datetime, told: list[tuple[timedelta, Event]]) -> list[Event]:
    """The events one after the other, each its gap after the one before; the first is a pass or comes to nothing."""
    dated, now = [], start
    for gap, event in told:
        now += gap
        dated.append(Event(**{**vars(event), "moment": now}))
    return dated


def _events(names: list[str], ids: list[int], sends: list[tuple[str, str]]) -> st.SearchStrategy:
    """Pairs of a gap and what happens after it: mostly passes and drains, often answers."""
    people = st.lists(st.sampled_from(ids), unique=True).map(lambda some: tuple(sorted(some)))
    everybody = st.just(tuple(sorted(ids)))
    one = st.sampled_from(ids).map(lambda contact: (contact,))
    never = st.just(datetime.min)
    passes = st.builds(Event, never, st.just("pass"), st.sampled_from(names), st.one_of(everybody, everybody, people),
                       st.fixed_dictionaries({audience: people for audience in AUDIENCES}))
    drains = st.builds(Event, never, st.just("drain"))
    past = st.sampled_from((timedelta(0), timedelta(0), timedelta(minutes=1), timedelta(hours=13), timedelta(days=3)))
    unkeyed = st.builds(Event, never, st.just("answer"), people=one, kind=st.sampled_from(UNKEYED), ago=past)
    suppressions = st.builds(Event, never, st.just("suppression"), people=one,
                             lasts=st.sampled_from((None, timedelta(days=2), timedelta(days=30))))
    kinds = [passes, passes, passes, drains, drains, unkeyed, suppressions]
    if sends:
        meta = st.sampled_from(DATES).map(lambda date: {"on": date})
        keyed = st.tuples(st.sampled_from(sends), st.sampled_from(KEYED)).flatmap(lambda pair: st.builds(
            Event, never, st.just("answer"), st.just(pair[0][0]), one, step=st.just(pair[0][1]), kind=st.just(pair[1]),
            ago=past, machine=st.sampled_from((False, False, False, True)),
            meta=meta if pair[1] == CALL_BACK else st.just({}),
        ))
        kinds += [keyed, keyed]
    return st.tuples(st.sampled_from(GAPS), st.one_of(kinds))
