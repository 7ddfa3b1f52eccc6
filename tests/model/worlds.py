"""Random worlds: chains, a small base of contacts, and a script of what happens to them over weeks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from hypothesis import strategies as st

from marketing import graph
from marketing.chain import Chain
from marketing.gate import GROUNDS
from tests.model import gates
from tests.model.facts import Contact, Planned
from tests.model.interpreter import Model
from tests.model.random_chains import AUDIENCES, CHANNELS, KEYED, UNKEYED, chains

__all__ = ["LATENCY", "WILLING", "ZONE", "Event", "World", "happen", "model_of", "play", "said", "worlds"]

ZONE = "Europe/Paris"
#: Neighbours and strangers: with slices of sixteen contacts they lie in two of them.
CONTACTS = (1, 2, 15, 16, 17)
#: A quiet Monday, the two changes of the clock in Paris, a leap day, the end of a month that the next one lacks.
STARTS = (
    datetime(2026, 1, 5, 8), datetime(2026, 3, 26, 1, 30), datetime(2026, 10, 22, 0, 30), datetime(2024, 2, 27, 23, 15),
    datetime(2026, 1, 30, 12),
)
#: Lengths that chains use too, so that passes meet deadlines exactly, and some that they do not.
GAPS = (
    timedelta(minutes=1), timedelta(hours=1), timedelta(hours=12), timedelta(days=1), timedelta(days=1), timedelta(days=2),
    timedelta(days=3), timedelta(days=7), timedelta(days=31),
)
OUTCOMES = ("rejected", "rejected", "unknown", "blocked", "duplicate")
PURPOSES = ("commercial", "relationship")
#: Who has said yes to everything, and who has said less.
WILLING = {(channel, purpose): "granted" for channel in CHANNELS for purpose in PURPOSES}
WORDS = (WILLING,) * 5 + (
    {}, {("email", "commercial"): "granted"}, WILLING | {("email", "commercial"): "refused", ("sms", "relationship"): "refused"},
)
#: A letter arrives two days after it is accepted.
LATENCY = {"post": timedelta(days=2)}
#: When a channel may be used; a channel that is not here is open always.
HOURS: tuple[Mapping[str, Sequence[gates.Window]], ...] = (
    {}, {}, {"sms": [(range(6), 9, 20)]}, {"email": [(range(5), 10, 13), (range(5), 14, 20)], "post": [((2, 6), 8, 9)]},
)
#: Public holidays in France, in the years of STARTS.
CLOSED = frozenset({
    *(date(year, month, day) for year in (2024, 2026, 2027)
      for month, day in ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))),
    date(2024, 4, 1), date(2024, 5, 9), date(2024, 5, 20), date(2026, 4, 6), date(2026, 5, 14), date(2026, 5, 25),
    date(2027, 3, 29), date(2027, 5, 6), date(2027, 5, 17),
})
#: Dates as an operator types them.
DATES = ("", "soon", "2026-01-09", "2026-03-29T02:30", "2026-10-25T02:30", "2024-02-29", "2020-01-01")


@dataclass(frozen=True)
class Event:
    """One thing that happens at a moment; `what` is pass, drain, answer, return, consent, suppression or tidy.

    pass: `chain`, `people` in its audience, `groups` by audience of its Splits. answer: each of `people`
    gave it, `ago`; with `back` it is keyed to the contact's touch that many before the last one of all
    chains, and void if there is none. return: each brings something back, an order line of a negative
    amount. consent: each says `status` of the channel and purpose, None being all of them. tidy:
    maintenance folds what is small.
    """

    moment: datetime
    what: str
    chain: str = ""
    people: tuple[int, ...] = ()
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    kind: str = ""
    back: int | None = None
    ago: timedelta = timedelta()
    machine: bool = False
    meta: Mapping[str, str] = field(default_factory=dict)
    lasts: timedelta | None = None
    channel: str | None = None
    purpose: str | None = None
    status: str = ""


@dataclass(frozen=True)
class World:
    """Chains, contacts, a cap, the outcomes of touches by (contact, step, visit, leg), and the events in order.

    `letters` is a second cap, on post alone within a month; `feeds` is the number of parts after which the engine
    writes who rests at a step anew.
    """

    chains: tuple[Chain, ...]
    contacts: tuple[Contact, ...]
    at_most: int
    within_days: int
    outcomes: Mapping[tuple[int, str, int, int], str]
    events: tuple[Event, ...]
    hours: Mapping[str, Sequence[gates.Window]] = field(default_factory=dict)
    letters: int | None = None
    feeds: int = 8
    #: Contacts whose touches on a Send's first channel are rejected.
    spurned: tuple[int, ...] = ()

    def outcome(self, contact: int, step: str, visit: int, leg: int) -> str:
        """What the connector says of a touch: accepted where the script says nothing."""
        usual = "rejected" if leg == 1 and contact in self.spurned else "accepted"
        return self.outcomes.get((contact, step, visit, leg), usual)


def play(world: World) -> Model:
    """Run a world through the slow model."""
    model = model_of(world)
    for event in world.events:
        happen(world, model, event)
    return model


def model_of(world: World) -> Model:
    """The slow model of a world before its first event, with its rules in the order of the gate."""
    hours = [gates.hours(channel, windows, ZONE, CLOSED) for channel, windows in world.hours.items()]
    caps = [gates.cap(world.at_most, world.within_days, ZONE, frozenset(PURPOSES))]
    caps += [gates.cap(world.letters, 30, ZONE, channels=frozenset({"post"}))] if world.letters else []
    consent = gates.consent(GROUNDS)
    gate = gates.gate_of(gates.no_address, gates.suppressed, consent, *hours, *caps, gates.same_address)
    return Model(world.chains, world.contacts, ZONE, gate, gates.at_send(*hours), LATENCY, gates.gate_of(consent))


def happen(world: World, model: Model, event: Event) -> list[tuple[int, Planned | None]]:
    """One event; returns who answered, and the touch whose key came with it."""
    answered = []
    match event.what:
        case "pass":
            model.run_pass(event.chain, event.moment, event.people, event.groups)
        case "drain":
            model.drain(event.moment, lambda touch: world.outcome(touch.contact, touch.step, touch.visit, touch.leg))
        case "suppression":
            for contact in event.people:
                model.suppressed(contact, event.moment, event.lasts and event.moment + event.lasts, event.channel, event.purpose)
        case "consent":
            for contact, channel, purpose in said(event):
                model.consented(contact, channel, purpose, event.status, event.moment - event.ago)
        case "answer":
            for contact in event.people:
                touches = model.history(contact).touches if event.back is not None else []
                touch = touches[-1 - event.back] if event.back is not None and event.back < len(touches) else None
                if touch is not None or event.back is None:
                    model.answered(event.kind, event.moment - event.ago, contact, touch, event.machine, event.meta)
                    answered.append((contact, touch))
    return answered


def said(event: Event) -> list[tuple[int, str, str]]:
    """Who speaks of which channel and purpose."""
    channels = (event.channel,) if event.channel else CHANNELS
    purposes = (event.purpose,) if event.purpose else PURPOSES
    return [(contact, channel, purpose) for contact in event.people for channel in channels for purpose in purposes]


@st.composite
def worlds(draw: st.DrawFn, rounds: int = 8) -> World:
    """A world of one chain, or of two of which the first may hand over to the second."""
    second = draw(st.one_of(st.none(), chains("spring")))
    first = draw(chains("winter", enrols="spring" if second else None))
    both = (first, second) if second else (first,)
    household = draw(st.sampled_from((None, None, "martin")))
    contacts = tuple(draw(st.lists(st.builds(
        Contact, st.sampled_from(CONTACTS),
        st.sampled_from((frozenset(CHANNELS),) * 8 + (frozenset({"email"}), frozenset({"sms", "post"}))),
        st.sampled_from(WORDS), st.sampled_from((None, None, "America/New_York")), st.just(household),
    ), min_size=2, max_size=5, unique_by=lambda contact: contact.contact_id)))
    ids = [contact.contact_id for contact in contacts]
    steps = [step.name for chain in both for step in graph.compile(chain).sends]
    outcomes = draw(st.dictionaries(
        st.tuples(st.sampled_from(ids), st.sampled_from(steps), st.integers(1, 2), st.sampled_from((1, 1, 2))),
        st.sampled_from(OUTCOMES), max_size=8,
    )) if steps else {}
    told = draw(st.lists(_rounds([chain.name for chain in both], ids), min_size=4, max_size=rounds))
    return World(both, contacts, draw(st.integers(1, 6)), draw(st.sampled_from((1, 3, 7))), outcomes,
                 tuple(_dated(draw(st.sampled_from(STARTS)), told)), draw(st.sampled_from(HOURS)),
                 draw(st.sampled_from((None, None, 1))), draw(st.sampled_from((8, 0))),
                 draw(st.sampled_from(((), (), tuple(ids[:2]), tuple(ids)))))


def _dated(now: datetime, told: list[tuple]) -> list[Event]:
    """The events in the order of time: in each round first what people do, then the passes, then mostly the senders."""
    dated = []
    for gap, incidents, names, people, groups, meanwhile, drained in told:
        # A minute at least between two passes: at one moment the engine asks an audience again only where something was listed.
        now += gap
        dated += [replace(incident, moment=now) for incident in incidents]
        dated += [Event(now, "pass", name, people, groups) for name in names]
        dated += [replace(incident, moment=now) for incident in meanwhile]
        if drained is not None:
            dated.append(Event(now + drained, "drain"))
            now += drained
    return dated


def _rounds(names: list[str], ids: list[int]) -> st.SearchStrategy:
    """A gap, what people do, the chains that pass, who is in which audience, what stops touches now, and when they leave."""
    people = st.lists(st.sampled_from(ids), unique=True).map(lambda some: tuple(sorted(some)))
    orders = st.sampled_from([names, names, names[::-1], names[:1], names[-1:]])
    drained = st.sampled_from((timedelta(0), timedelta(0), timedelta(minutes=1), timedelta(hours=12), None))
    return st.tuples(
        st.sampled_from(GAPS), st.lists(_incidents(ids), min_size=1, max_size=4), orders,
        st.one_of(st.just(tuple(sorted(ids))), people), st.fixed_dictionaries({name: people for name in AUDIENCES}),
        st.one_of(st.just([]), st.just([]), st.lists(_refusing(ids), min_size=1, max_size=2)), drained,
    )


def _incidents(ids: list[int]) -> st.SearchStrategy:
    """What one person or all do: answer one of the last touches, answer without a key; one is suppressed."""
    one, never = st.sampled_from(ids).map(lambda contact: (contact,)), st.just(datetime.min)
    some = st.one_of(one, st.just(tuple(sorted(ids))))
    past = st.sampled_from((timedelta(0), timedelta(0), timedelta(0), timedelta(minutes=1), timedelta(hours=13), timedelta(days=3)))
    keyed = st.builds(
        Event, never, st.just("answer"), people=some, kind=st.sampled_from(KEYED), ago=past,
        back=st.sampled_from((0, 0, 0, 0, 0, 1, 2)), machine=st.sampled_from((False,) * 5 + (True,)),
        meta=st.sampled_from(DATES).map(lambda date: {"on": date}),
    )
    unkeyed = st.builds(Event, never, st.just("answer"), people=some, kind=st.sampled_from(UNKEYED), ago=past)
    others = st.builds(Event, never, st.sampled_from(("return", "tidy")), people=one)
    return st.one_of(*[keyed] * 12, *[unkeyed] * 6, *[_refusing(ids)] * 4, others)


def _refusing(ids: list[int]) -> st.SearchStrategy:
    """What stops touches, or lets them pass again: a suppression of one, a word on consent."""
    one, never = st.sampled_from(ids).map(lambda contact: (contact,)), st.just(datetime.min)
    channel, purpose = st.sampled_from((None, *CHANNELS)), st.sampled_from((None, *PURPOSES))
    suppressions = st.builds(Event, never, st.just("suppression"), people=one, channel=channel, purpose=purpose | st.just("all"),
                             lasts=st.sampled_from((timedelta(hours=1), timedelta(hours=12), timedelta(days=2))))
    consents = st.builds(Event, never, st.just("consent"), people=one, channel=channel, purpose=purpose,
                         ago=st.sampled_from((timedelta(0), timedelta(hours=13), timedelta(days=3))),
                         status=st.sampled_from(("withdrawn", "withdrawn", "refused", "granted", "granted")))
    return st.one_of(suppressions, consents, consents)
