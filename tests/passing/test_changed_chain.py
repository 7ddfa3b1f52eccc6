"""A chain that is changed while people stand on every step: nobody lost, nobody written to twice, the impact told right."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from marketing.chain import CLICKED, REPLIED, Chain, Delay, Exit, WaitFor, days, weeks
from marketing.changes import Change, Difference
from marketing.mapping import BadMapping
from tests.passing.changing import ENROLLED, SUNDAY, Changing, chain, peopled, send, written
from warehouse.commit import Commit, HeadMoved
from warehouse.impact import keep
from warehouse.migrating import Moved

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


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A home where somebody stands at every step."""
    home = tmp_path_factory.mktemp("filled")
    peopled(home)
    return home


@pytest.fixture
def here(filled, tmp_path, monkeypatch):
    shop = Changing(tmp_path / "home", filled, monkeypatch)
    yield shop
    shop.warehouse.close()


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request):
    return request.param


def test_the_impact_is_told_right(here, case):
    """What is otherwise, who stands where, where they would go, and which step with people is gone without a word."""
    found = here.becomes(case.changed, case.asked)

    (standing,) = found.versions
    assert standing.difference == case.told
    assert {stand.step: stand.contacts for stand in standing.stands} == STANDING
    assert sorted(stand.step for stand in found.unmapped) == sorted(case.lost)
    assert here.impact(**case.mapping).unmapped == []
    assert {stand.step: stand.goes for stand in here.impact(**case.mapping).versions[0].stands if stand.goes != stand.step} == {
        **case.goes, **{step: None for step, why in case.stays.items() if why == "held_out"}}


def test_nobody_is_lost_who_stays(here, case):
    """Without a migration everybody finishes in the version they entered by; nobody is written to twice."""
    here.becomes(case.changed, case.asked)

    account = here.goes_on()

    assert (account.entered, account.active) == (56, 0)
    assert {version for version, _ in here.stands()} == {1}


def test_nobody_is_lost_who_is_moved_along(here, case):
    """With one everybody moves along, once, but for whom the new order would write to again; nobody is written to twice."""
    here.becomes(case.changed, case.asked)

    moved = here.migrates(case.mapping)
    again = here.migrates(case.mapping)
    touched_before = here.touches()

    assert moved == [Moved(1, step, case.goes.get(step, None if case.stays.get(step) == "held_out" else step), many,
                           case.stays.get(step, "")) for step, many in sorted(STANDING.items())]
    assert again == [one for one in moved if one.stays]
    arrived = {}
    for step, many in STANDING.items():
        place = (1, step) if step in case.stays else (2, case.goes.get(step, step))
        arrived[place] = arrived.get(place, 0) + many
    assert here.stands() == {(1, "exit:clicked"): 1, **arrived}

    account = here.goes_on()
    assert (account.entered, account.active) == (56, 0)
    assert [touch for touch in touched_before if touch not in here.touches()] == []
    greeted = "SELECT contact_id FROM touches WHERE step IN ('hello', 'welcome') GROUP BY ALL HAVING count(*) > 1"
    assert here.rows(greeted) == []


def test_a_renamed_send_is_still_heard(here):
    """Who waits for the answer to a message that is called otherwise now is heard, and the waiting goes on from when it began."""
    here.becomes(CASES["step renamed"].changed)
    here.migrates(CASES["step renamed"].mapping)
    waiting = [row[0] for row in here.rows(
        "SELECT contact_id FROM moves WHERE to_step = 'response' AND version = 2 ORDER BY ALL")]
    here.answer(CLICKED, waiting[0], "hello")
    here.passes("changing")
    heard = here.places("changing")
    here.goes_on(4)

    assert (waiting[0], "offer") in heard and (waiting[1], "response") in heard
    assert {place for contact, place in here.places("changing") if contact in waiting[1:]} == {"reminder"}


def test_a_wait_goes_by_its_new_length_from_its_old_beginning(here):
    """Contacts who have waited 3 days of 7 wait 2 more where the wait is of 5."""
    shorter = written()
    shorter[1] = WaitFor("answer", within=days(5), on={CLICKED: [send("offer", by="sms")]}, otherwise=[Exit("quiet")])
    here.becomes(chain(*shorter))
    here.migrates()
    due = here.rows("SELECT DISTINCT due_at FROM moves WHERE to_step = 'answer' AND version = 2")
    here.goes_on(1)
    still = here.stands()[2, "answer"]
    here.goes_on(2)

    assert due == [(SUNDAY + timedelta(days=2),)]
    assert (still, here.stands()[2, "exit:quiet"]) == (6 + 8, 6)  # who was greeted on Monday has begun to wait


def test_an_answer_from_before_counts_where_it_now_is_one(here):
    """Who replied while the wait had no branch for it takes the branch that it has now."""
    waiting = here.rows("SELECT min(contact_id) FROM moves WHERE to_step = 'answer' AND moved_at >= $since",
                        since=SUNDAY - timedelta(days=3))[0][0]
    here.answer(REPLIED, waiting, "hello")
    here.passes("changing")
    here.becomes(CASES["branch changed"].changed)
    here.migrates()
    here.passes("changing")

    assert (waiting, "offer") in here.places("changing")


def test_a_rehearsal_moves_nobody(here):
    """It tells what a migration would do, and nothing is otherwise afterwards."""
    here.becomes(CASES["step removed"].changed)
    before = here.stands()

    told = here.migrates({"reminder": "letter"}, rehearse=True)

    assert here.stands() == before
    assert told == here.migrates({"reminder": "letter"})


def test_a_step_without_a_mapping_keeps_its_people(here):
    """Nobody is moved from a step that is gone and not mapped: they finish in their version."""
    here.becomes(CASES["step removed"].changed)

    moved = here.migrates()

    assert [one for one in moved if one.stays] == [Moved(1, "reminder", None, 6, "no_place")]
    assert here.goes_on().active == 0


@pytest.mark.parametrize(("mapping", "told"), [
    ({"nothing": "letter"}, "No older version has a step 'nothing'"),
    ({"reminder": "nothing"}, "'reminder' cannot be mapped to 'nothing'; accepted: hello, answer, offer, letter"),
    ({"holdout": "hello"}, "No older version has a step 'holdout'"),
    ({"reminder": "holdout"}, "'reminder' cannot be mapped to 'holdout'"),
    ({"reminder": "goal"}, "'reminder' cannot be mapped to 'goal'"),
])
def test_a_mapping_that_cannot_be_followed(here, mapping, told):
    """A mapping names a step that is there, the holdout is never left or entered by it, and nobody is moved by a wrong one."""
    here.becomes(CASES["step removed"].changed)

    with pytest.raises(BadMapping, match=told):
        here.migrates(mapping)
    assert {version for version, _ in here.stands()} == {1}


def test_a_mapping_to_an_end(here):
    """Who is mapped to an end leaves by it."""
    here.becomes(CASES["step removed"].changed)
    here.migrates({"reminder": "exit:silent"})

    assert here.stands()[2, "exit:silent"] == 6
    assert here.goes_on().ends[("exit:silent", "migrated")] == 6


def test_nobody_is_mapped_to_what_they_have_had(here):
    """A mapping back to a Send moves only those who have not had it."""
    here.becomes(CASES["step removed"].changed)

    moved = here.migrates({"reminder": "hello"})

    assert [one for one in moved if one.step == "reminder"] == [Moved(1, "reminder", "hello", 6, "written_before")]
    assert here.goes_on().active == 0


def test_what_is_decided_is_remembered(here):
    """Once somebody has said that they finish in their version, a step that is gone stands in nobody's way."""
    found = here.becomes(CASES["step removed"].changed)
    kept = keep(here.warehouse.ledger, found, now=SUNDAY, by="anna")

    assert [standing.version.number for standing in kept] == [1]
    assert here.impact().unmapped == []


def test_a_third_version(here):
    """Who was moved along once is moved along again, and written to once by each step."""
    here.becomes(CASES["step renamed"].changed)
    here.migrates(CASES["step renamed"].mapping)
    here.goes_on(1)
    here.becomes(chain(*written(hello="welcome", answer="response", otherwise=[])))
    here.migrates({"reminder": "letter"})

    assert {version for version, place in here.stands() if not place.startswith("exit")} == {3}
    assert here.goes_on(2, 6, 9, 16, 23, 30, 44, 60, 80).active == 0


def test_a_pass_that_comes_between(here, monkeypatch):
    """A migration whose slice a pass has changed meanwhile computes it again; killed before its commit, it has done nothing."""
    here.becomes(CASES["step removed"].changed)
    tries, apply = [], Commit.apply

    def late(commit):
        tries.append(commit)
        if len(tries) == 1:
            raise HeadMoved("a pass was here")
        return apply(commit)

    monkeypatch.setattr(Commit, "apply", late)
    moved = here.migrates({"reminder": "letter"})

    assert len(tries) == 2 and sum(one.contacts for one in moved) == 55
