"""Branches: the live code on a copy of the manifest, over the same parts, without a trace on the original."""

from datetime import timedelta

import pyarrow as pa
import pytest
import sqlalchemy as sa

from tests.warehouse.made import CONSENTS, NOW, list_contacts, plan, post, response, rows, run
from warehouse import branching, schema
from warehouse.branching import BranchError, branch, drop_branch, open_branch
from warehouse.clock import wall
from warehouse.commit import INLINE_ROWS
from warehouse.maintenance import Swept, fold_small, sweep
from warehouse.manifest import parts_of
from warehouse.tables import TABLES

CONTACTS = "SELECT count(*), min(contact_id), max(contact_id) FROM contacts"


def tomorrow():
    return wall() + timedelta(days=1)


def many(wh, first: int) -> list[int]:
    """Commit contacts that need a file; returns the part's number."""
    commit = wh.commit(run="load", as_of=NOW)
    rows_ = [{"contact_id": n} for n in range(first, first + INLINE_ROWS + 1)]
    commit.add("contacts", pa.Table.from_pylist(rows_, TABLES["contacts"].columns), slice=0)
    return commit.apply()


@pytest.fixture
def made(wh):
    """Branches of the test, closed at its end."""
    opened = []

    def make(name: str, expires=None):
        opened.append(branch(wh, name, expires or tomorrow()))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def whole(wh) -> dict[str, list]:
    """Everything the ledger holds, but for who reads and what branches there are."""
    with wh.ledger.read() as tx:
        return {table.name: sorted(map(str, tx.execute(sa.select(table)).all()))
                for table in schema.metadata.sorted_tables if table.name not in ("snapshot", "branch")}


def test_a_branch_begins_as_the_original_stands(wh, made):
    """Same rows, same heads, marks, names and counters, the same moment; its clock is simulated."""
    many(wh, 0)
    plan(wh, 7, "hello", "email", "commercial")
    wh.commit(run="r", as_of=NOW).read_head("chain:1", 0)
    wh.clock.advance(NOW + timedelta(days=3))
    before = whole(wh)
    rehearsal = made("rehearsal")

    assert whole(rehearsal) == before == whole(wh)
    assert rows(rehearsal, CONTACTS) == rows(wh, CONTACTS)
    assert rehearsal.clock.simulated() == NOW + timedelta(days=3)
    assert (rehearsal.key, rehearsal.slice_bits, rehearsal.number()) == (wh.key, wh.slice_bits, wh.number())


def test_what_a_branch_does_stays_there(wh, made):
    """Commits, a moved clock, collected responses: the original and other branches see nothing of it."""
    key = plan(wh, 7, "hello", "email", "commercial")
    before, files = whole(wh), wh.store.files()
    rehearsal, other = made("rehearsal"), made("other")
    many(rehearsal, 5_000)
    rehearsal.clock.advance(NOW + timedelta(days=70))
    post(rehearsal, response("a", "unsubscribed", key=key))

    assert run(rehearsal).withdrawn == 1
    assert rows(rehearsal, CONSENTS) == [(7, "email", "commercial", "withdrawn")]
    assert (whole(wh), wh.store.files(), rows(other, CONTACTS)) == (before, files, [(0, None, None)])
    assert rows(rehearsal, CONTACTS) == [(INLINE_ROWS + 1, 5_000, 5_000 + INLINE_ROWS)]


def test_a_branch_can_be_folded_and_swept(wh, made):
    """Maintenance of a branch deletes nothing that is not the branch's own."""
    many(wh, 0)
    rehearsal = made("rehearsal")
    for first in (10_000, 20_000, 30_000):
        many(rehearsal, first)

    assert fold_small(rehearsal, run="fold", as_of=NOW, more_than=3) == 4
    swept = sweep(rehearsal, now=wall() + timedelta(hours=40))
    assert (swept.rows, len(rehearsal.store.files()), len(wh.store.files())) == (4, 1, 1)
    assert rows(wh, CONTACTS) == [(INLINE_ROWS + 1, 0, INLINE_ROWS)]
    assert rows(rehearsal, CONTACTS) == [(4 * (INLINE_ROWS + 1), 0, 30_000 + INLINE_ROWS)]


def test_the_sweeper_spares_what_a_branch_reads(wh, made):
    """A part that the original has replaced stays while a branch lists it, and goes after."""
    [number] = many(wh, 0)
    rehearsal = made("rehearsal", wall() + timedelta(days=30))
    commit = wh.commit(run="r", as_of=NOW)
    commit.retire([number])
    commit.apply()

    assert sweep(wh, now=wall() + timedelta(days=9)) == Swept()
    assert rows(rehearsal, CONTACTS) == [(INLINE_ROWS + 1, 0, INLINE_ROWS)]
    assert sweep(wh, now=wall() + timedelta(days=31)) == Swept(files=1, rows=1, branches=1)
    assert (wh.store.files(), (wh.home / "branches" / "rehearsal").exists()) == ([], False)


def test_batches_under_way_come_along(wh, made):
    """A batch that waits can be sent on the branch; one whose receipts are folded is history."""
    plan(wh, 7, "hello", "email", "commercial")
    with wh.ledger.begin() as tx:
        for state in ("planned", "folded"):
            tx.execute(sa.insert(schema.batch), {"part": 1, "first_row": 0, "rows": 1, "slice": 0, "chain": 1,
                                                 "step": "hello", "connector": "smtp", "run": "r", "state": state})
    rehearsal = made("rehearsal")
    with rehearsal.ledger.read() as tx:
        states = tx.execute(sa.select(schema.batch.c.state)).scalars().all()
        part = parts_of(tx, rehearsal.number(), "touches")[0]

    assert (states, part.n) == (["planned"], 1)


def test_a_branch_is_opened_again_by_name(wh, made):
    """Another process finds it with what was done there; an unknown one is an error that names those there are."""
    many(made("rehearsal"), 0)
    again = open_branch(wh, "rehearsal")

    assert rows(again, CONTACTS) == [(INLINE_ROWS + 1, 0, INLINE_ROWS)]
    again.close()
    with pytest.raises(BranchError, match="no branch 'backtest'; there are: rehearsal"):
        open_branch(wh, "backtest")


def test_names_are_taken_once_and_plain(wh, made):
    """A name in use, a name that is no word, a branch of a branch: each is refused with what is accepted."""
    rehearsal = made("rehearsal")

    with pytest.raises(BranchError, match="already; drop it first"):
        branch(wh, "rehearsal", tomorrow())
    with pytest.raises(BranchError, match="accepted: small letters"):
        branch(wh, "../elsewhere", tomorrow())
    with pytest.raises(BranchError, match="cannot be branched"):
        branch(rehearsal, "deeper", tomorrow())
    drop_branch(wh, "rehearsal")
    drop_branch(wh, "rehearsal")
    assert made("rehearsal").number() == wh.number()


def test_a_branch_that_died_half_made_is_made_anew(wh, made, monkeypatch):
    """It can be dropped like any other, lists nothing meanwhile, and its name is free again."""
    list_contacts(wh, (1, None, None))

    def die(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(branching, "copy_table", die)
        with pytest.raises(KeyboardInterrupt):
            branch(wh, "rehearsal", tomorrow())
    with pytest.raises(BranchError, match="no branch 'rehearsal'"):
        open_branch(wh, "rehearsal")
    assert sweep(wh) == Swept()
    drop_branch(wh, "rehearsal")
    assert rows(made("rehearsal"), CONTACTS) == [(1, 1, 1)]
