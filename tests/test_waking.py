"""When a chain is passed again: a simulated month of dues, long passes, lost events and runs that die."""

import heapq
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chains
from marketing.calendar import Span, days, hours, local, minutes, months
from marketing.chain import CLICKED, COMMERCIAL, PURCHASED, REPLIED, Chain, Exit, Goal, Send, WaitFor
from marketing.waking import AT_ONCE, LEAD, SURELY, handed_over, heard, listens, next_wake, rounded

PARIS = "Europe/Paris"
NOON = datetime(2026, 11, 24, 11)
HOUR, MONTH = timedelta(hours=1), timedelta(days=30)


def at(text: str) -> datetime:
    """A time of 24 November 2026 (UTC)."""
    return datetime.fromisoformat(f"2026-11-24 {text}")


@pytest.mark.parametrize(("now", "due", "when"), [
    ("11:00:05", "11:07", "11:15"), ("11:00:05", "11:15", "11:15"), ("11:00:05", "11:15:01", "11:30"),
    ("11:00:05", "09:00", "11:15"), ("11:00:00", "11:00", "11:00"), ("22:50", "22:55", "23:00")])
def test_rounds_up(now, due, when):
    """The next pass is at the first quarter of an hour at which somebody is due, never in the past."""
    assert next_wake(at(now), at(due), minutes(15), PARIS) == at(when)


def test_nobody_due():
    """A chain in which nobody waits for a moment is not woken."""
    assert next_wake(NOON, None, minutes(15), PARIS) is None


def test_news_at_once():
    """What was handed over while a pass ran has the chain passed again at once, whoever is due."""
    assert [next_wake(NOON, due, minutes(15), PARIS, news=True) for due in (None, at("17:00"))] == [NOON, NOON]


def test_comes_anyway():
    """Where a run is scheduled by then nothing more is; one that is much too late is perhaps lost, and does not count."""
    plan = [next_wake(NOON, at("11:20"), minutes(15), PARIS, planned=[planned]) for planned in (
        at("11:30"), at("11:12"), NOON - SURELY, at("11:30:01"), NOON - SURELY - timedelta(seconds=1))]

    assert plan == [None, None, None, at("11:30"), at("11:30")]


def test_clock_behind():
    """A pass that began before its moment, by a clock that is slow, never plans the same moment again."""
    assert next_wake(at("11:14:58"), at("11:14:59"), minutes(15), PARIS, after=at("11:15")) == at("11:30")


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
       st.sampled_from([minutes(1), minutes(15), minutes(50), hours(7), hours(24), days(1), days(10), months(1)]),
       st.sampled_from([PARIS, "UTC", "Asia/Kolkata", "America/Havana", "Africa/Cairo", "Australia/Lord_Howe"]))
def test_rounded(instant, every, zone):
    """A moment of `wake_every` is never before, never a day and an hour or one `wake_every` later, and its own rounding."""
    when = rounded(instant, every, zone)
    longest = timedelta(hours=25) if every.days or every.months else timedelta(seconds=every.seconds)

    assert instant <= when < instant + min(longest, timedelta(hours=25))
    assert rounded(when, every, zone) == when
    if every.days or every.months:
        assert (local(when, zone).hour, local(when, zone).minute) in ((0, 0), (1, 0))  # no midnight when clocks leap over it


def test_listens():
    """A chain listens to what its waits, a goal that ends, and its exits name; prospecting to leads as well."""
    def chain(kind="loyalty", **more):
        return Chain(name="ask", title="Ask", kind=kind, audience="all", **more, steps=[
            Send("offer", by="email", message="offer", purpose=COMMERCIAL),
            WaitFor("answer", days(3), {CLICKED: [WaitFor("more", days(3), {REPLIED: [Exit("spoke")]})]})])

    assert listens(chain()) == {CLICKED, REPLIED}
    assert listens(chain(goal=Goal(PURCHASED, within=days(9)))) == {CLICKED, REPLIED, PURCHASED}
    assert listens(chain(goal=Goal(PURCHASED, within=days(9), ends=False))) == {CLICKED, REPLIED}
    assert listens(chain(kind="prospecting", exits={"complained": "angry"})) == {
        CLICKED, REPLIED, "complained", LEAD, "form_submitted"}
    assert heard(chain(), {"delivered": 9, REPLIED: 2, CLICKED: 0, PURCHASED: 1}) == {REPLIED: 2}


def test_listens_shipped():
    """A lead and a call's outcome wake the prospecting chain at once, a click on the brochure does so at the next minute."""
    kinds = listens(chains.load("prospect_web_lead"))

    assert kinds & AT_ONCE == {LEAD, "form_submitted", "appointment", "call_back", "send_documents", "not_now", "refused"}
    assert kinds - AT_ONCE == {CLICKED, PURCHASED}


def test_handed_over():
    """Moves to another chain, from wherever they come, are counted by chain."""
    moves = {("a", "clicked", "enrol:loyalty"): 3, ("*", "goal", "enrol:loyalty"): 2, ("a", "otherwise", "exit:done"): 9,
             ("b", "refused", "enrol:news"): 1, ("c", "refused", "enrol:none"): 0}

    assert handed_over(moves) == {"loyalty": 5, "news": 1}


@dataclass
class Month:
    """One chain for a month: a queue of runs of which one goes at a time, contacts who fall due, what comes from outside."""

    seed: int
    every: Span
    longest: timedelta = timedelta(minutes=5)
    events_lost: float = 0.0
    runs_die: float = 0.0
    many: int = 8
    now: datetime = NOON
    #: (moment, why) of the runs scheduled and not yet begun
    queue: list[tuple[datetime, str]] = field(default_factory=list)
    #: contact to when somebody must pass it
    due: dict[int, datetime] = field(default_factory=dict)
    passes: list[tuple[datetime, datetime, str, int]] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)
    late: list[timedelta] = field(default_factory=list)
    answered: list[timedelta] = field(default_factory=list)
    emitted: int = 0

    def __post_init__(self):
        self.random = random.Random(self.seed)
        self.queue = [(NOON + HOUR * n, "tick") for n in range(24 * 30)]
        self.due = {contact: NOON + self.random.random() * MONTH / 3 for contact in range(self.many)}
        self.outside = sorted((NOON + self.random.random() * MONTH, contact) for contact in range(self.many, 3 * self.many))

    def live(self) -> "Month":
        while self.queue[0][0] < NOON + MONTH - HOUR:
            while self.outside and self.outside[0][0] <= max(self.queue[0][0], self.now):
                self._until(self.outside[0][0])
            moment, why = heapq.heappop(self.queue)
            start = max(moment, self.now) + timedelta(seconds=self.random.uniform(0, 20))
            self._until(start)
            self._pass(moment, start, why)
        return self

    def _pass(self, moment: datetime, start: datetime, why: str) -> None:
        end = start + self.random.random() ** 4 * self.longest
        dies = self.random.random() < self.runs_die
        found = [contact for contact, due in self.due.items() if due <= start and not dies]
        for contact in found:
            late = start - self.due.pop(contact)
            (self.late if contact < self.many else self.answered).append(late)
            if contact < self.many:
                self.due[contact] = start + self.random.choice([timedelta(seconds=7), 2 * HOUR, 90 * HOUR, 90 * HOUR]) * self.random.random()
        self._until(end)
        self.passes.append((start, end, why, len(found)))
        if not dies:
            news = any(contact >= 2 * self.many for contact in self.due)
            self._plan(min(self.due.values(), default=None), news=news, after=moment)
        self.now = max(self.now, end)

    def _until(self, moment: datetime) -> None:
        """What comes from outside up to a moment: responses, and contacts whom another chain hands over. Whoever lists them
        plans a pass, and tells an event that may be lost."""
        while self.outside and self.outside[0][0] <= moment:
            self.now, contact = self.outside.pop(0)
            self.due[contact] = self.now
            self._plan(self.now)
            if self.random.random() >= self.events_lost:
                self.emitted += 1
                heapq.heappush(self.queue, (self.now, "event"))
        self.now = max(self.now, moment)

    def _plan(self, due: datetime | None, **more) -> None:
        when = next_wake(self.now, due, self.every, PARIS, planned=[moment for moment, _ in heapq.nsmallest(9, self.queue)], **more)
        if when:
            assert when >= self.now, "a wake-up in the past"
            self.wakes.append(when)
            heapq.heappush(self.queue, (when, "wake"))

    def hold(self, within: timedelta) -> None:
        """The laws of a month."""
        assert self.late and self.answered
        assert max(self.late + self.answered) <= within
        assert len(set(self.wakes)) == len(self.wakes), "two wake-ups for one moment"
        assert all(before[1] <= then[0] for before, then in zip(self.passes, self.passes[1:])), "two passes at once"
        assert all(due >= self.now - within for due in self.due.values()), "somebody was forgotten"


MONTHS = st.integers(0, 2**32), st.sampled_from([minutes(1), minutes(15), hours(1)])
#: Starting takes up to 20 seconds; a pass that runs when somebody falls due is waited for, and so is one started for an event.
STARTS = timedelta(seconds=20)


@given(*MONTHS, st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([timedelta(seconds=30), timedelta(minutes=40)]))
def test_a_month(seed, every, lost, longest):
    """Nobody is passed later than one `wake_every` and a pass after due, with all events, half of them or none."""
    month = Month(seed, every, longest, events_lost=lost).live()

    month.hold(within=timedelta(seconds=every.seconds) + longest + 2 * STARTS)


@given(*MONTHS, st.sampled_from([timedelta(seconds=30), timedelta(minutes=40)]))
def test_events_at_once(seed, every, longest):
    """With its event an answer waits for a start and the pass that is running, not for `wake_every`."""
    month = Month(seed, every, longest).live()

    assert max(month.answered) <= longest + 2 * STARTS


@given(*MONTHS)
def test_runs_die(seed, every):
    """When a third of the runs dies before it can plan the next, the hourly schedule finds everybody."""
    month = Month(seed, every, events_lost=1.0, runs_die=0.33).live()
    apart = max(then[0] - before[0] for before, then in zip(month.passes, month.passes[1:]))

    assert len(set(month.wakes)) == len(month.wakes)
    assert apart <= HOUR + month.longest + 2 * STARTS
    assert all(due >= month.now - 12 * HOUR for due in month.due.values())  # eleven dead in a row: once in 180,000


@given(*MONTHS)
def test_no_run_in_vain(seed, every):
    """A wake-up finds nobody only where an event had the chain passed before it."""
    month = Month(seed, every).live()
    vain = sum(not found for _, _, why, found in month.passes if why == "wake")

    assert vain <= month.emitted
