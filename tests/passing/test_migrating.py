"""Moving contacts along into another version: what they keep, who stays, and that it happens once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from flows import recipe
from marketing.chain import CLICKED, REPLIED, Chain, Exit, GoTo, Split, WaitFor, WaveParams, days
from marketing.mapping import BadMapping
from tasks.migrate import migrate_chain
from tests.passing.changing import CASES, STANDING, SUNDAY, Changing, chain, send, written
from tests.passing.shop import START
from warehouse import commit
from warehouse.commit import Commit, HeadMoved
from warehouse.explaining import explain, find
from warehouse.impact import keep
from warehouse.maintenance import fold_small
from warehouse.migrating import Moved
from warehouse.passing import slice_pass
from warehouse.versions import versions_of


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


class Killed(BaseException):
    """The process has died."""


@pytest.mark.parametrize("place", ["commit.before_parts", "commit.parts_sealed", "commit.in_transaction", "commit.done"])
def test_a_migration_that_is_killed(here, place):
    """Killed before its commit it has moved nobody, after it everybody; run again it moves whom it has not."""
    here.becomes(CASES["step removed"].changed)

    def die(at):
        if at == place:
            raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(commit, "reach", die)
        here.migrates({"reminder": "letter"})
    here.accounts()
    before = {version for version, step in here.stands() if not step.startswith("exit")}
    here.migrates({"reminder": "letter"})

    assert before == ({2} if place == "commit.done" else {1})
    assert here.stands() == {(1, "exit:clicked"): 1, **{
        (2, step): many + (6 if step == "letter" else 0) for step, many in STANDING.items() if step != "reminder"}}


def test_residents_that_are_written_again_are_the_same(filled, tmp_path, monkeypatch):
    """Who was moved along, written again as one part at every step and folded after every pass, or never."""
    found = []
    for feeds in (1, 1_000):
        monkeypatch.setattr(slice_pass, "FEEDS", feeds)
        here = Changing(tmp_path / str(feeds), filled, monkeypatch)
        here.becomes(CASES["step removed"].changed)
        for day in (1, 2, 9, 16, 30, 60):
            here.goes_on(day)
            if day == 2:
                here.migrates({"reminder": "letter"})
            if feeds == 1:
                fold_small(here.warehouse, run="fold", as_of=here.warehouse.clock.now(), more_than=1)
                here.accounts()
        found.append(here.rows("SELECT contact_id, seq, version, from_step, to_step, reason, moved_at FROM moves ORDER BY ALL"))
        here.warehouse.close()

    assert found[0] == found[1]


CALLS = Chain(name="calls", title="Calls", kind="loyalty", audience="everybody", steps=[
    send("ring"), WaitFor("outcome", within=days(3), on={CLICKED: [Exit("clicked")]}, otherwise=[GoTo("ring", at_most=3)])])


def test_visits_are_counted_on(shop, monkeypatch):
    """Who has been to a step twice before the chain was changed goes there once more of three times, by another visit."""
    here = shop(CALLS)
    here.contacts({"contact_id": 1})
    for day in (0, 3, 4):
        here.passes("calls", START + timedelta(days=day))
    longer = replace(CALLS, steps=[CALLS.steps[0], replace(CALLS.steps[1], within=days(5))])
    monkeypatch.setattr(recipe.chains, "load", {"calls": longer}.__getitem__)
    moved = migrate_chain(here.wired, longer, recipe.queries(longer), {}, run="migration")
    for day in range(5, 30):
        here.passes("calls", START + timedelta(days=day))

    assert moved == [Moved(1, "outcome", "outcome", 1)]
    assert here.touches() == [(1, "ring", "email", visit, 1) for visit in (1, 2, 3)]
    assert here.places("calls") == [(1, "exit:tried_enough")]


def test_an_explanation_of_who_was_moved_along(here):
    """Why a contact stands where it does is told over all versions it was in, and until when it waits."""
    here.becomes(CASES["step renamed"].changed)
    here.migrates(CASES["step renamed"].mapping)
    versions = versions_of(here.warehouse.ledger, here.number)
    graphs = {(version.name, version.number): version.graph for version in versions}
    waiting = here.rows("SELECT min(contact_id) FROM moves WHERE to_step = 'response'")[0][0]
    with here.warehouse.snapshot() as snapshot:
        told = explain(snapshot, find(snapshot, f"c{waiting}"), [], graphs, as_of=SUNDAY)

    (life,) = told.lives
    assert (life.version, life.stands_at, life.reason, life.due_at) == (2, "response", "migrated", SUNDAY + timedelta(days=4))


def test_a_migration_that_is_killed_between_two_slices(shop, monkeypatch):
    """It commits slice by slice: what is done stays done, and the next one does the rest."""
    here = shop(CALLS, slice_bits=2)
    here.contacts({"contact_id": 1}, {"contact_id": 5}, {"contact_id": 9})
    here.passes("calls")
    longer = replace(CALLS, steps=[CALLS.steps[0], replace(CALLS.steps[1], within=days(5))])
    monkeypatch.setattr(recipe.chains, "load", {"calls": longer}.__getitem__)
    done = []

    def die(at):
        done.append(at)
        if done.count("commit.done") == 2:
            raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(commit, "reach", die)
        migrate_chain(here.wired, longer, recipe.queries(longer), {}, run="killed")
    versions = here.rows("SELECT contact_id, arg_max(version, seq) FROM moves GROUP BY ALL ORDER BY ALL")
    moved = migrate_chain(here.wired, longer, recipe.queries(longer), {}, run="again")

    assert versions == [(1, 2), (5, 2), (9, 1)]
    assert moved == [Moved(1, "outcome", "outcome", 1)]
    assert here.passes("calls", START + timedelta(days=5)).moves[("outcome", "otherwise", "ring")] == 3


def test_a_wave_that_lacks_a_parameter(shop, monkeypatch):
    """Whose wave was not frozen with what a new Split asks with stays in the version that does not ask."""
    class Since(WaveParams):
        days_since: int = 30

    asked = {"recent": "SELECT contact_id FROM contacts WHERE created_at > $as_of::TIMESTAMP - to_days($days_since::INTEGER)"}
    here = shop(CALLS, queries=asked)
    here.contacts({"contact_id": 1})
    here.passes("calls")
    split = replace(CALLS, params=Since, steps=[*CALLS.steps[:1], replace(CALLS.steps[1], otherwise=[
        Split("fork", on={"recent": [send("news")]}, otherwise=[Exit("old")])])])
    monkeypatch.setattr(recipe.chains, "load", {"calls": split}.__getitem__)
    here.contacts({"contact_id": 2})
    here.passes("calls", START + timedelta(days=1))

    moved = migrate_chain(here.wired, split, recipe.queries(split), {}, run="migration")
    for day in (3, 4, 7, 8, 11, 12):
        here.passes("calls", START + timedelta(days=day))

    assert moved == [Moved(1, "outcome", "outcome", 1, "older_params")]
    assert here.places("calls") == [(1, "exit:tried_enough"), (2, "exit:completed")]
