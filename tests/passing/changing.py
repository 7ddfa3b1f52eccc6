"""A chain with people on every step, to be changed under them."""

import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from flows import recipe
from marketing.chain import CLICKED, PURCHASED, RELATIONSHIP, REPLIED, Chain, Delay, Exit, Goal, Send, WaitFor, days, weeks
from marketing.changes import Change, Difference
from marketing.graph import compile
from tests.houses import SMS_HOURS
from tests.passing.shop import START, Shop
from warehouse import reconciling
from warehouse.clock import Clock
from warehouse.impact import Impact, impact
from warehouse.migrating import Moved, migrate
from warehouse.versions import chain_number, register

#: The day, a Sunday, on which everybody stands somewhere: text messages wait for Monday.
SUNDAY = START + timedelta(days=20)
#: Contacts that are enrolled on each of these days.
DAYS, EACH = (0, 3, 4, 9, 12, 17, 20), 8
ENROLLED = "SELECT contact_id FROM contacts WHERE created_at <= $as_of"
#: What the shop keeps with every version.
QUERIES = {"everybody": "SELECT contact_id FROM contacts", "nobody": "SELECT contact_id FROM contacts WHERE false",
           "asked": ENROLLED}


def send(name: str, by: str = "email", **more) -> Send:
    return Send(name, by=by, message="m", purpose=RELATIONSHIP, **more)


def chain(*steps, holdout: float = 0.2, **more) -> Chain:
    """The chain with these steps, or as it was before anybody changed it."""
    return Chain(**{"name": "changing", "title": "Changing", "kind": "loyalty", "audience": "asked", "holdout": holdout,
                    "goal": Goal(PURCHASED, within=weeks(8)), "steps": steps or written(), **more})


def written(hello="hello", answer="answer", clicked=None, otherwise=None, delay=None, letter=None, survey=()):
    """The steps of the chain, some of them otherwise."""
    return [
        send(hello, by="sms"),
        WaitFor(answer, within=days(7), on=clicked or {CLICKED: [send("offer", by="sms")]},
                otherwise=[Delay(days(2)), send("reminder")] if otherwise is None else otherwise),
        *(letter or [Delay(delay or weeks(1)), send("letter", by="post")]), Delay(days(1)), *survey,
        WaitFor("last", within=weeks(2), on={CLICKED: [Exit("clicked")]}, otherwise=[Exit("silent")])]


def peopled(home: Path) -> None:
    """Fill a home: on the Sunday somebody stands at every step of the chain, in a delay, in the holdout, and at an end."""
    with pytest.MonkeyPatch.context() as patch:
        here = Shop(home, patch, chain(), queries={"asked": ENROLLED}, policy='country = "FR"\n' + SMS_HOURS)
        people = [{"contact_id": 10 * position + n, "created_at": START + timedelta(days=day)}
                  for position, day in enumerate(DAYS) for n in range(EACH)]
        here.contacts(*people)
        for day in sorted({0, 3, 4, 7, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20}):
            if day == 18:
                here.answer(CLICKED, first(here, "letter"), "letter")
            if day == 20:
                here.answer(CLICKED, first(here, "hello", enrolled=17), "hello")
            here.passes("changing", START + timedelta(days=day))
        here.warehouse.close()


def first(here: Shop, step: str, enrolled: int | None = None) -> int:
    """The first contact that got a step's message, of those enrolled on a day."""
    after = START + timedelta(days=enrolled or 0)
    return here.rows("SELECT min(contact_id) FROM touches JOIN contacts USING (contact_id) WHERE step = $step "
                     "AND contacts.created_at >= $after", step=step, after=after)[0][0]


class Changing(Shop):
    """The shop of a home that `peopled` filled, on its Sunday; `becomes` changes the chain."""

    def __init__(self, home: Path, filled: Path, monkeypatch, url: str | None = None):
        shutil.copytree(filled, home, dirs_exist_ok=True)
        monkeypatch.setattr(Clock, "simulate", lambda _clock, _start: None)
        super().__init__(home, monkeypatch, chain(), queries={"asked": ENROLLED}, policy='country = "FR"\n' + SMS_HOURS)
        self.runs, self.patch = 1_000, monkeypatch
        self.chain, self.queries = chain(), QUERIES

    def becomes(self, chain: Chain, asked: str = ENROLLED) -> Impact:
        """The file of the chain is changed; returns what that means."""
        self.chain, self.queries = chain, {**QUERIES, "asked": asked}
        self.patch.setattr(recipe.chains, "load", {"changing": chain}.__getitem__)
        self.patch.setattr(recipe, "queries", lambda _chain: self.queries)
        return self.impact()

    def impact(self, **mapping: str) -> Impact:
        return impact(self.warehouse.ledger, compile(self.chain), self.queries, mapping)

    def migrates(self, mapping: dict | None = None, **more) -> list[Moved]:
        """Everybody is moved along, and accounted for."""
        ledger, now = self.warehouse.ledger, self.warehouse.clock.now()
        current = register(ledger, compile(self.chain), self.chain.params.model_json_schema(), self.queries, now)
        self.runs += 1
        moved = migrate(self.warehouse, current, mapping or {}, run=f"migration-{self.runs}", as_of=now, **more)
        self.accounts()
        return moved

    def accounts(self) -> reconciling.Account:
        """Everybody is accounted for, by the ledger and by contact, and no message is planned twice."""
        found = reconciling.account(self.warehouse.ledger, self.number)
        assert found.balanced, str(found)
        with self.warehouse.snapshot() as snapshot:
            assert reconciling.contradictions(snapshot, "changing") == []
        twice = self.rows("SELECT contact_id, step FROM touches GROUP BY ALL HAVING count(*) > 1")
        assert twice == []
        return found

    @property
    def number(self) -> int:
        with self.warehouse.ledger.read() as tx:
            return chain_number(tx, "changing")

    def stands(self) -> dict[tuple[int, str], int]:
        """Version, step and how many stand there, by the moves themselves."""
        rows = self.rows("""
            SELECT version, to_step, count(*) FROM (
                SELECT enrolment_id, arg_max(version, seq) AS version, arg_max(to_step, seq) AS to_step
                FROM moves GROUP BY enrolment_id) AS m GROUP BY ALL""")
        return {(version, step): many for version, step, many in rows}

    def goes_on(self, *days: int) -> reconciling.Account:
        """Passes on days after the Sunday, until everybody has left; returns the last account."""
        for day in days or (1, 2, 9, 16, 30, 45, 60, 80):
            self.passes("changing", SUNDAY + timedelta(days=day))
            if not reconciling.account(self.warehouse.ledger, self.number).active:
                break
        return self.accounts()


#: Who stands where on the Sunday.
STANDING = {"hello": 8, "answer": 6, "offer": 1, "reminder": 6, "letter": 7, "rest:last": 7, "last": 11, "holdout": 9}
#: The same, after the letter was moved before the wait.
LETTER_FIRST = [send("hello", by="sms"), Delay(weeks(1)), send("letter", by="post"), written()[1], Delay(days(1)), written()[-1]]


@dataclass(frozen=True)
class Case:
    """A change, what is told of it, the mapping it needs, and who goes elsewhere than to the step of the same name."""

    changed: Chain
    told: Difference
    asked: str = ENROLLED
    mapping: dict = field(default_factory=dict)
    goes: dict = field(default_factory=dict)
    stays: dict = field(default_factory=dict)
    lost: tuple = ()


CASES = {
    "step added": Case(
        chain(*written(survey=[send("survey")])),
        Difference(new=("survey",), changed=(Change("letter", "leads to", "last", "survey"),)),
        goes={"rest:last": "survey"}),
    "step removed": Case(
        chain(*written(otherwise=[])),
        Difference(gone=("reminder",), changed=(
            Change("answer", "leads on otherwise to", "reminder", "letter"), Change("answer", "delay on otherwise", "2 days", "7 days"))),
        mapping={"reminder": "letter"}, goes={"reminder": "letter"}, lost=("reminder",)),
    "step renamed": Case(
        chain(*written(hello="welcome", answer="response")),
        Difference(gone=("hello", "answer"), new=("welcome", "response"), renamed=(("hello", "welcome"), ("answer", "response"))),
        mapping={"hello": "welcome", "answer": "response"}, goes={"hello": "welcome", "answer": "response"},
        lost=("answer", "hello")),
    "step moved": Case(
        chain(*LETTER_FIRST),
        Difference(moved=("letter",), changed=(
            Change("hello", "leads to", "answer", "letter"), Change("hello", "delay", "none", "7 days"),
            Change("offer", "leads to", "letter", "last"), Change("offer", "delay", "7 days", "1 day"),
            Change("reminder", "leads to", "letter", "last"), Change("reminder", "delay", "7 days", "1 day"),
            Change("letter", "leads to", "last", "answer"), Change("letter", "delay", "1 day", "none"))),
        stays={"letter": "written_before"}),
    "delay changed": Case(
        chain(*written(delay=weeks(3))),
        Difference(changed=(Change("offer", "delay", "7 days", "3 weeks"), Change("reminder", "delay", "7 days", "3 weeks")))),
    "branch changed": Case(
        chain(*written(clicked={CLICKED: [Exit("keen")], REPLIED: [send("offer", by="sms")]})),
        Difference(changed=(Change("answer", "leads on clicked to", "offer", "exit:keen"),
                            Change("answer", "branch on replied", "none", "offer")))),
    "holdout changed": Case(chain(holdout=0.4), Difference(changed=(Change("", "holdout", "20%", "40%"),))),
    "holdout given up": Case(
        chain(holdout=0.0), Difference(gone=("holdout",), changed=(Change("", "holdout", "20%", "0%"),)),
        stays={"holdout": "held_out"}),
    "audience changed": Case(
        chain(), Difference(changed=(Change("", "audience", "asked", "asked, asked otherwise"),)),
        asked=f"{ENROLLED} AND first_name IS NULL"),
}
