"""A past pass made again by other rules: exact differences, and nothing of it is true."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from flows import recipe
from flows.replaying import Change, WrongChain, written_otherwise
from tests.passing.remade import CAP, again, runs_of, tighter
from tests.passing.shop import START, one_send
from warehouse import schema
from warehouse.passing import gate


@pytest.mark.parametrize(("at_most", "within_days"), [(1, 3), (2, 30)])
def test_a_tighter_cap_refuses_exactly(season, at_most, within_days):
    """With a tighter cap each pass refuses exactly those whose touches, counted one by one, had reached it by then."""
    here = season
    sent = here.rows("SELECT contact_id, planned_at, run, step FROM touches ORDER BY planned_at, run, step, contact_id")
    change, found, expected = tighter(here, at_most=at_most, within_days=within_days), Counter(), Counter()
    later = runs_of(here)[-12:]
    for run in later:
        for verdict in again(here, run, change).compared.verdicts:
            if not verdict.move and verdict.live == "planned":
                assert verdict.replayed in ("deferred: cap, few", "dropped: stale, cap/few")
                found[run] += verdict.contacts
    order = {run: number for number, run in enumerate(runs_of(here))}
    for contact, now, run, _ in (one for one in sent if one[2] in later):
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


def test_nothing_of_a_replay_is_true(season):
    """The warehouse is as before: no row, no part, no file, no wave, no branch, no clock moved."""
    here, warehouse = season, season.warehouse

    def whole() -> dict:
        with warehouse.ledger.read() as tx:
            return {table.name: sorted(map(str, tx.execute(sa.select(table)).all())) for table in schema.metadata.sorted_tables}

    before, files = whole(), warehouse.store.files()
    for run in runs_of(here)[::9]:
        again(here, run, tighter(here, at_most=1, within_days=30))

    assert (whole(), warehouse.store.files(), list((warehouse.home / "branches").iterdir())) == (before, files, [])


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
