"""A past pass made again: the same rows from what it read, whatever came after; clear words where it cannot be."""

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from flows import recipe
from marketing.options import RunOptions
from tests.passing.remade import CAP, EVERYBODY, WEEKLY, again, differing, runs_of, tighter
from tests.passing.shop import START, one_send
from warehouse import records, schema
from warehouse.acts import former
from warehouse.acts import replay as kept
from warehouse.acts import text as texts
from warehouse.clock import wall
from warehouse.maintenance import fold_small, sweep
from warehouse.manifest import current_number, parts_of
from warehouse.passing import gate
from warehouse.records import NoRecord
from warehouse.tables import TABLES


@pytest.mark.timeout(180)
def test_every_pass_of_a_season(season):
    """Each pass is made again row for row: right after the season, after folding and sweeping, and after a month of it."""
    here = season
    runs, before = runs_of(here), here.rows("SELECT count(*) FROM moves")
    counted, made = Counter(), {run: again(here, run).compared for run in runs}
    for compared in made.values():
        counted.update(compared.rows)
    touches, refusals = here.rows("SELECT (SELECT count(*) FROM touches), (SELECT count(*) FROM refusals WHERE stage = 'plan')")[0]

    assert len(runs) > 12
    assert counted == {"moves": before[0][0], "touches": touches, "refusals": refusals}
    assert [run for run, compared in made.items() if not compared.equal] == []
    assert refusals > 0 and touches > 60
    fold_small(here.warehouse, run="fold", as_of=here.warehouse.clock.now(), more_than=1)
    sweep(here.warehouse, now=wall() + timedelta(days=30))
    assert differing(here, runs[1::3]) == {}
    assert (runs_of(here), here.rows("SELECT count(*) FROM moves")) == (runs, before)


def test_what_maintenance_keeps_and_forgets(shop):
    """What was replaced stands apart from the manifest while a record reads it, and goes with the record after 90 days."""
    here = shop(WEEKLY, queries={"all": EVERYBODY}, slice_bits=4)
    here.contacts(*({"contact_id": number} for number in range(1, 44)))
    for week in range(5):
        here.passes("weekly", START + timedelta(weeks=week))
    warehouse, part = here.warehouse, schema.part
    fold_small(warehouse, run="fold", as_of=warehouse.clock.now(), more_than=1)
    sweep(warehouse, now=wall() + timedelta(days=2))

    record = records.records_of(warehouse.ledger, "run-1")[0]
    named = texts.c.digest.in_([record.house, record.policy])

    def count(table, *where):
        with warehouse.ledger.read() as tx:
            return tx.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one()

    assert (count(part, part.c.retired_n.is_not(None)), count(former) > 9, count(kept) == 15, count(texts, named)) == (
        0, True, True, 2)
    assert runs_of(here) == [f"run-{week + 1}" for week in range(5)] and differing(here, ["run-2"]) == {}
    late = wall() + records.KEPT + timedelta(minutes=1)
    many = count(kept)
    assert sweep(warehouse, now=late).records == many
    assert (count(former), count(kept), count(texts, named)) == (0, 0, 0)
    with warehouse.ledger.read() as tx:
        listed = set(tx.execute(sa.select(part.c.path).where(part.c.path.is_not(None))).scalars())
    assert {path for path, _ in warehouse.store.files()} == listed


def test_files_that_only_a_record_reads_stay(shop):
    """A file of a part that was replaced is no orphan: it stays for the replay, and is deleted with the record."""
    here = shop(one_send("email"))
    here.contacts(*({"contact_id": number} for number in range(1, 2_100)))
    here.passes("hello")
    warehouse = here.warehouse
    with warehouse.ledger.read() as tx:
        contacts = parts_of(tx, current_number(tx), "contacts")[0]
    erase(warehouse, contacts, 5)
    before = len(warehouse.store.files())

    assert contacts.path and sweep(warehouse, now=wall() + timedelta(days=60)).files == 0
    assert (len(warehouse.store.files()), warehouse.store.holds(contacts.path)) == (before, True)
    assert again(here, "run-1").compared.equal
    sweep(warehouse, now=wall() + records.KEPT + timedelta(hours=1))
    assert not warehouse.store.holds(contacts.path)


def erase(warehouse, contacts, gone: int) -> None:
    """Write a part of contacts again without one of them."""
    columns = TABLES["contacts"].columns
    with warehouse.snapshot(slice=contacts.slice) as snapshot:
        rows = snapshot.sql("SELECT * FROM raw_contacts WHERE contact_id <> $gone", gone=gone)
    commit = warehouse.commit(run="erasure", as_of=warehouse.clock.now())
    commit.retire([contacts.n])
    commit.add("contacts", rows.select(columns.names).cast(columns), slice=contacts.slice)
    commit.apply()


def test_erased_contacts_are_left_out(shop):
    """Who is no longer in the base is left out of both sides, and counted; nobody else differs."""
    here = shop(one_send("email"))
    here.contacts(*({"contact_id": number} for number in range(1, 31)))
    here.passes("hello")
    with here.warehouse.ledger.read() as tx:
        contacts = parts_of(tx, current_number(tx), "contacts")[0]
    erase(here.warehouse, contacts, 5)
    found = again(here, "run-1").compared

    assert (found.erased, found.equal, found.rows["touches"]) == (1, True, 29)


def meanwhile(monkeypatch, act) -> None:
    """Have `act` done once, when a pass has just begun to ask the gate."""
    ask, done = gate.Gate._no_address, []

    def slow(self, asked):
        if not done:
            done.append(True)
            act()
        return ask(self, asked)

    monkeypatch.setattr(gate.Gate, "_no_address", slow)


def test_what_was_listed_meanwhile_does_not_leak_in(shop, monkeypatch):
    """Refused consents, oppositions and contacts that were listed while the pass computed stay unseen when it is made again."""
    here = shop(one_send("email"))
    here.contacts(*({"contact_id": number} for number in range(1, 9)))

    def act():
        here.consent(3, "email", "relationship", "refused")
        here.put("suppressions", {"contact_id": 4, "reason": "opposition", "from_at": START})
        here.contacts({"contact_id": 9})

    meanwhile(monkeypatch, act)
    here.passes("hello")

    assert len(here.touches()) == 8  # the sender has refused one of them since
    found = again(here, "run-1").compared
    assert (found.equal, found.rows["touches"]) == (True, 8)


def test_a_pass_forestalled_by_another_chain(shop, monkeypatch):
    """A pass that was computed again, since another chain had planned meanwhile, replays as it was committed: after that one."""
    here = shop(one_send("email", name="hello"), one_send("sms", name="other"), policy=CAP.format(at_most=1, within_days=7))
    here.contacts(*({"contact_id": number} for number in range(1, 9)))
    meanwhile(monkeypatch, lambda: recipe.run_pass(here.wired, "other", run="meanwhile-1"))
    here.passes("hello")

    assert here.rows("SELECT reason, count(*) FROM refusals WHERE chain = 'hello' GROUP BY ALL") == [("cap", 8)]
    assert differing(here, ["run-1", "meanwhile-1"]) == {}


def test_a_pass_killed_and_tried_again(shop, monkeypatch):
    """A run that died between two slices and was tried again a day later, by another policy, replays whole: each slice by its
    own hour and rules."""
    here = shop(one_send("email"), slice_bits=4, policy=CAP.format(at_most=9, within_days=7))
    here.contacts(*({"contact_id": number} for number in range(1, 40)))
    finish, passed = recipe.finish, []

    def dies(passing):
        if passed:
            raise KeyboardInterrupt
        passed.append(passing.slice)
        return finish.fn(passing)

    with monkeypatch.context() as patch:
        patch.setattr(recipe, "finish", SimpleNamespace(fn=dies))
        with pytest.raises(KeyboardInterrupt):
            recipe.run_pass(here.wired, "hello", run="killed")
    here.warehouse.clock.advance(START + timedelta(days=1))
    here.warehouse.policy = tighter(here, at_most=8, within_days=7).policy
    recipe.run_pass(here.wired, "hello", run="killed")
    of_pass = records.records_of(here.warehouse.ledger, "killed")

    assert [(one.slice, one.as_of - START) for one in of_pass] == [(0, timedelta()), (1, timedelta(days=1)), (2, timedelta(days=1))]
    assert len({one.policy for one in of_pass}) == 2
    found = again(here, "killed").compared
    assert (found.equal, found.rows["touches"]) == (True, 39)


def test_a_room_shared_by_slices(shop):
    """A run that may take in so many over all slices draws the same ones again, as many in each slice as there was room."""
    here = shop(one_send("email"), slice_bits=4)
    here.contacts(*({"contact_id": number} for number in range(1, 40)))
    here.passes("hello", options=RunOptions(at_most=20))
    found = again(here, "run-1").compared

    assert (found.equal, found.rows["touches"]) == (True, 20)


def test_idle_passes_keep_nothing(shop):
    """A pass that finds nothing to do writes no record, and a replay of it says so."""
    here = shop(one_send("email"))
    here.contacts({"contact_id": 1})
    here.passes("hello")
    here.passes("hello", START + timedelta(minutes=5))

    assert runs_of(here) == ["run-1"]
    with pytest.raises(NoRecord, match="The pass 'run-2' has no record: it found nothing to do"):
        again(here, "run-2")


def test_rehearsals_keep_nothing(shop):
    """A rehearsed pass leaves no record."""
    from flows import rehearsal

    here = shop(one_send("email"))
    here.contacts({"contact_id": 1})
    rehearsal.asked_for(here.wired, "hello", one_send("email").params(), RunOptions(rehearse=True), run="only-told")

    assert runs_of(here) == []


def test_an_old_record_says_so(shop):
    """Of a pass made longer ago than records are kept the error names the day and the number of days."""
    here = shop(one_send("email"))
    here.contacts({"contact_id": 1})
    here.passes("hello")
    day = wall() - records.KEPT - timedelta(days=1)
    with here.warehouse.ledger.begin() as tx:
        tx.execute(sa.update(kept).values(made_at=day))
        tx.execute(sa.update(schema.run).values(started_at=day))
    sweep(here.warehouse)

    with pytest.raises(NoRecord, match=f"'run-1' was made on {day:%Y-%m-%d}: records are kept for 90 days, this one is gone"):
        again(here, "run-1")


@pytest.mark.parametrize(("asked", "told"), [
    ("nothing", "There is no pass 'nothing'; accepted: the id of its run, the beginning of it, or its name"),
    ("ru", "2 passes are called 'ru': run-1, run-2; give the id of one"), ("hello", "2 passes are called 'hello'"),
])
def test_which_pass(shop, asked, told):
    """A pass is named by the id of its run, its beginning or its name; what is unknown or not one is said to be so."""
    here = shop(one_send("email"))
    here.contacts({"contact_id": 1})
    here.passes("hello")
    here.contacts({"contact_id": 2})
    here.passes("hello", START + timedelta(days=2))

    with pytest.raises(NoRecord, match=told):
        again(here, asked)
    assert again(here, "run-2").compared.rows["touches"] == 1


def test_the_settings_kept_name_no_connector(season):
    """Of the house's connectors a record keeps the kind alone, once for all passes; the settings read back are the same."""
    here = season
    every = [record for run in runs_of(here) for record in records.records_of(here.warehouse.ledger, run)]
    record = every[0]
    house, policy = records.settings_of(here.warehouse.ledger, record)

    assert {(one.house, one.policy) for one in every} == {(record.house, record.policy)}
    assert policy == here.warehouse.policy
    assert house == here.warehouse.house.model_copy(
        update={"connectors": {name: {"kind": "memory"} for name in here.warehouse.house.connectors}})
