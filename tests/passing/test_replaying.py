"""A past pass made again: the same rows from what it read, exact differences under other rules, clear words where it cannot be."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from flows import recipe
from flows.replaying import Change, WrongChain, replay, written_otherwise
from marketing.chain import (
    CLICKED, COMMERCIAL, PURCHASED, RELATIONSHIP, Chain, Delay, Enrol, Exit, Experiment, Goal, Send, Suppress, WaitFor, days, weeks,
)
from marketing.options import RunOptions
from marketing.policy import Policy
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
from warehouse.store import FolderStore
from warehouse.tables import TABLES

EVERYBODY = "SELECT contact_id FROM contacts WHERE created_at <= $as_of"
CAP = 'country = "FR"\n[[cap]]\nname = "few"\nat_most = {at_most}\nwithin_days = {within_days}\n'
LOOSE = CAP.format(at_most=3, within_days=7)


def commercial(name: str, by: str = "email") -> Send:
    return Send(name, by=by, message="m", purpose=COMMERCIAL)


WELCOME = Chain(
    name="welcome", title="Welcome", kind="loyalty", audience="all", goal=Goal(PURCHASED, within=weeks(6)), holdout=0.2,
    steps=[Experiment("which", {"mail": [commercial("mail")], "text": [commercial("text", "sms")]}),
           WaitFor("answer", within=days(3), on={CLICKED: [Enrol("after")]}, otherwise=[Delay(days(2)), commercial("again")]),
           WaitFor("last", within=days(4), on={CLICKED: [Exit("heard")]}, otherwise=[Suppress("silent")])])
AFTER = Chain(
    name="after", title="After", kind="loyalty", audience="nobody",
    steps=[commercial("thanks"), Delay(days(1)), Send("letter", by="post", message="m", purpose=RELATIONSHIP)])
WEEKLY = Chain(name="weekly", title="Weekly", kind="loyalty", audience="all", reenter_after=days(6), steps=[commercial("news")])


def season(shop, **more):
    """Two weeks of three chains over three slices, with answers, orders, refusals and households; nothing is left out."""
    here = shop(WELCOME, AFTER, WEEKLY, policy=LOOSE, slice_bits=4, queries={"all": EVERYBODY}, **more)
    here.contacts(*({"contact_id": number, "created_at": START + timedelta(days=number % 5),
                     "email": f"c{min(number, 40)}@example.org"} for number in range(1, 44)))
    for day in (0, 1, 2, 3, 4, 5, 7, 9, 12, 16):
        now = START + timedelta(days=day)
        if day == 2:
            here.warehouse.clock.advance(now)
            for contact in here.rows("SELECT contact_id FROM touches WHERE step = 'mail' ORDER BY 1 LIMIT 9"):
                here.answer(CLICKED, contact[0], "mail")
            here.order(4, now)
        if day == 4:
            here.consent(7, "email", "commercial", "refused", now)
        for chain in ("welcome", "after", "weekly"):
            here.passes(chain, now, **({"options": RunOptions(at_most=5)} if day == 1 and chain == "weekly" else {}))
    return here


def runs_of(here) -> list[str]:
    with here.warehouse.ledger.read() as tx:
        return sorted(tx.execute(sa.select(kept.c.run).distinct()).scalars(), key=lambda run: int(run.split("-")[-1]))


def again(here, run: str, change=Change(), **more):
    again.number = getattr(again, "number", 0) + 1
    return replay(here.wired, run, change, run=f"again-{again.number}", **more)


def differing(here, runs: list[str]) -> dict:
    made = {run: again(here, run).compared for run in runs}
    return {run: compared.shown for run, compared in made.items() if not compared.equal}


def tighter(here, **numbers) -> Change:
    path = here.warehouse.home / "other.toml"
    path.write_text(CAP.format(**numbers))
    return Change(policy=Policy.read(path))


def test_every_pass_of_a_season(shop):
    """Each pass is made again row for row: right after the season, after folding, after sweeping, and after a month of it."""
    here = season(shop)
    runs, before = runs_of(here), here.rows("SELECT count(*) FROM moves")
    counted = Counter()
    for run in runs:
        counted.update(again(here, run).compared.rows)
    touches, refusals = here.rows("SELECT (SELECT count(*) FROM touches), (SELECT count(*) FROM refusals WHERE stage = 'plan')")[0]

    assert len(runs) > 25 and differing(here, runs) == {}
    assert counted == {"moves": before[0][0], "touches": touches, "refusals": refusals}
    assert refusals > 0 and touches > 60
    for day in (2, 30):
        fold_small(here.warehouse, run=f"fold-{day}", as_of=here.warehouse.clock.now(), more_than=1)
        sweep(here.warehouse, now=wall() + timedelta(days=day))
        assert differing(here, runs) == {}
    assert (runs_of(here), here.rows("SELECT count(*) FROM moves")) == (runs, before)


def test_what_maintenance_keeps_and_forgets(shop):
    """What was replaced stands apart from the manifest while a record reads it, and goes with the record after 90 days."""
    here = season(shop)
    warehouse, part = here.warehouse, schema.part
    fold_small(warehouse, run="fold", as_of=warehouse.clock.now(), more_than=1)
    sweep(warehouse, now=wall() + timedelta(days=2))

    def count(table, *where):
        with warehouse.ledger.read() as tx:
            return tx.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one()

    assert (count(part, part.c.retired_n.is_not(None)), count(former) > 20, count(kept) > 40, count(texts)) == (0, True, True, 2)
    late = wall() + records.KEPT + timedelta(minutes=1)
    many = count(kept)
    assert sweep(warehouse, now=late).records == many
    assert (count(former), count(kept), count(texts)) == (0, 0, 0)
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


@pytest.mark.parametrize(("at_most", "within_days"), [(1, 7), (2, 7), (1, 3), (2, 30)])
def test_a_tighter_cap_refuses_exactly(shop, at_most, within_days):
    """With a tighter cap each pass refuses exactly those whose touches, counted one by one, had reached it by then."""
    here = season(shop)
    sent = here.rows("SELECT contact_id, planned_at, run, step FROM touches ORDER BY planned_at, run, step, contact_id")
    change, found, expected = tighter(here, at_most=at_most, within_days=within_days), Counter(), Counter()
    for run in runs_of(here):
        for verdict in again(here, run, change).compared.verdicts:
            if not verdict.move and verdict.live == "planned":
                assert verdict.replayed in ("deferred: cap, few", "dropped: stale, cap/few")
                found[run] += verdict.contacts
    order = {run: number for number, run in enumerate(runs_of(here))}
    for contact, now, run, _ in sent:
        window = now - timedelta(days=within_days)
        before = [one for one in sent if one[0] == contact and order[one[2]] < order[run] and one[1] > window]
        expected[run] += len(before) >= at_most
    assert found == +expected and sum(found.values()) > 5


def test_another_policy_lets_others_through(shop):
    """With a looser cap who was deferred is planned; the few first ids are those of contacts it concerns."""
    here = shop(one_send("email"), one_send("email", name="second"), policy=CAP.format(at_most=1, within_days=7))
    here.contacts(*({"contact_id": number} for number in range(1, 9)))
    here.passes("hello")
    here.passes("second", START + timedelta(days=1))
    [touch, way] = again(here, "run-2", tighter(here, at_most=2, within_days=7)).compared.verdicts

    assert (touch.step, touch.live, touch.replayed, touch.contacts, touch.such_as) == (
        "hi", "deferred: cap, few", "planned", 8, [1, 2, 3, 4, 5])
    assert (way.step, way.move, way.live, way.replayed, way.contacts) == ("hi", True, None, "next, to exit:completed", 8)
    assert here.touches() == [(number, "hi", "email", 1, 1) for number in range(1, 9)]


CHANGED = '''"""Changed."""
from marketing.chain import RELATIONSHIP, Chain, Send

CHAIN = Chain(name="{name}", title="hello", kind="loyalty", audience="some",
              steps=[Send("hi", by="sms", message="hi", purpose=RELATIONSHIP)])
'''


def test_another_chain(shop, tmp_path):
    """With another chain file who enters goes by it: another channel, fewer people; the file's folder has its queries."""
    here = shop(one_send("email"))
    here.contacts(*({"contact_id": number} for number in range(1, 9)))
    here.passes("hello")
    folder = tmp_path / "changed"
    folder.mkdir()
    (folder / "chain.py").write_text(CHANGED.format(name="hello"))
    (folder / "some.sql").write_text("SELECT contact_id FROM contacts WHERE contact_id <= 3;\n")
    found = again(here, "run-1", Change(chain=written_otherwise(folder))).compared

    assert found.differing["touches"] == 8 + 3
    assert [(one.step, one.live, one.replayed, one.contacts, one.such_as) for one in found.verdicts if not one.move] == [
        ("hi", "planned", None, 5, [4, 5, 6, 7, 8])]
    (folder / "chain.py").write_text(CHANGED.format(name="other"))
    with pytest.raises(WrongChain, match="holds the chain 'other', and the pass was one of 'hello'"):
        again(here, "run-1", Change(chain=written_otherwise(folder)))


def test_changed_code_is_found(shop, monkeypatch):
    """A rule that has gone from the code shows as rows that differ, by kind, the first of them with their numbers."""
    here = shop(one_send("email"))
    here.contacts({"contact_id": 1}, {"contact_id": 2})
    here.consent(2, "email", "relationship", "refused", START)
    here.passes("hello")
    assert again(here, "run-1").compared.equal
    monkeypatch.setattr(gate, "RULES", [rule for rule in gate.RULES if rule != "consent"])
    found = again(here, "run-1").compared

    assert found.differing == {"moves": 2, "touches": 1, "refusals": 1}
    [touch], [refusal] = found.shown["touches"], found.shown["refusals"]
    assert (touch["side"], touch["enrolment_id"] & 0xFFFFFFFFF) == ("replayed", 2)
    assert (refusal["side"], refusal["reason"]) == ("live", "consent_withdrawn")


def test_nothing_of_a_replay_is_true(shop):
    """The warehouse is as before: no row, no part, no file, no wave, no branch, no clock moved."""
    here = season(shop)
    warehouse = here.warehouse

    def whole() -> dict:
        with warehouse.ledger.read() as tx:
            return {table.name: sorted(map(str, tx.execute(sa.select(table)).all())) for table in schema.metadata.sorted_tables}

    before, files = whole(), warehouse.store.files()
    for run in runs_of(here)[::9]:
        again(here, run, tighter(here, at_most=1, within_days=30))

    assert (whole(), warehouse.store.files(), list((warehouse.home / "branches").iterdir())) == (before, files, [])


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


def test_the_settings_kept_name_no_connector(shop):
    """Of the house's connectors a record keeps the kind alone, once for all passes; the settings read back are the same."""
    here = season(shop)
    with here.warehouse.ledger.read() as tx:
        kept_texts = tx.execute(sa.select(texts.c.text)).scalars().all()
    record = records.records_of(here.warehouse.ledger, runs_of(here)[0])[0]
    house, policy = records.settings_of(here.warehouse.ledger, record)

    assert len(kept_texts) == 2
    assert policy == here.warehouse.policy
    assert house == here.warehouse.house.model_copy(
        update={"connectors": {name: {"kind": "memory"} for name in here.warehouse.house.connectors}})
    assert isinstance(here.warehouse.store, FolderStore)


def test_changed_messages_are_told(shop):
    """Message files that have changed, come or gone since the pass are named; a pass reads none of them."""
    here = shop(one_send("email"))
    folder = here.warehouse.home / "hello" / "messages"
    folder.mkdir(parents=True)
    for name in ("hi.email.j2", "old.email.j2"):
        (folder / name).write_text("---\nsubject: hi\n---\nhi\n")
    here.contacts({"contact_id": 1})
    recipe.run_pass(replace(here.wired, send_for=0), "hello", run="first")
    assert again(here, "first").messages == []
    (folder / "hi.email.j2").write_text("---\nsubject: changed\n---\nhi there\n")
    (folder / "old.email.j2").unlink()

    made = again(here, "first")
    assert (made.messages, made.compared.equal) == (["hi.email.j2", "old.email.j2"], True)
