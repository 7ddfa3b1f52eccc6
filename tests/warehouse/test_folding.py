"""Folding: it changes nothing that anybody sees."""

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from tests.warehouse.made import MOVES, NOW, fold, list_contacts, live, move, plan, rows
from warehouse import HeadMoved, maintenance, schema
from warehouse.manifest import parts_of
from warehouse.scan import decode
from warehouse.tables import TABLES

ROOT = Path(__file__).parents[2]


def after(wh, mark: int) -> list[int]:
    """The enrolments that a reader who has read up to `mark` is shown."""
    with wh.ledger.read() as tx:
        parts = parts_of(tx, 1 << 60, "moves", schema.part.c.place > mark)
    return sorted(n for part in parts for n in decode(part.inline)["enrolment_id"].to_pylist())


def test_a_fold_shows_the_same_rows(wh):
    """One part in place of many, and every view reads as before: run, time and cost stay those of each row."""
    for number in range(6):
        move(wh, number, after=timedelta(hours=number), run=f"run{number}")
    before = rows(wh, MOVES)
    moved = fold(wh)

    assert (moved, len(live(wh))) == (6, 1)
    assert rows(wh, MOVES) == before
    part = live(wh)[0]
    assert (part.rows, part.run, part.schema, part.place) == (6, None, 2, 6)
    assert (part.happened_at, part.lo_at, part.hi_at) == (NOW + timedelta(hours=5), NOW, NOW + timedelta(hours=5))


def test_folds_are_folded_again_into_files(wh):
    """Beyond what fits into a manifest row the fold is a file, and a fold of folds is one again."""
    for number in range(4):
        move(wh, number * 1_500, count=1_500, run=f"run{number}")
    for number in range(4):
        move(wh, 10_000 + number, run="late")
    before = rows(wh, MOVES)

    assert (fold(wh), fold(wh)) == (8, 0)
    for number in range(4):
        move(wh, 20_000 + number, run="later")
    assert fold(wh) == 5
    assert [part.path is None for part in live(wh)] == [False]
    assert rows(wh, MOVES)[:len(before)] == before
    assert live(wh)[0].rows == 6_008


def test_a_fold_takes_so_many_at_once(wh, monkeypatch):
    """Very many parts are folded in portions, each in order, so that memory stays flat."""
    monkeypatch.setattr(maintenance, "_PARTS_AT_ONCE", 3)
    for number in range(7):
        move(wh, number)

    assert fold(wh) == 6
    assert [(part.place, part.rows) for part in live(wh)] == [(3, 3), (6, 3), (7, 1)]
    assert after(wh, 3) == [3, 4, 5, 6]


def test_only_like_is_folded_with_like(wh):
    """Parts that readers choose apart (step, chain, slice) stay apart."""
    for number in range(4):
        move(wh, number, to="b")
        move(wh, 10 + number, to="c")

    assert fold(wh) == 8
    assert sorted((part.to_step, part.rows) for part in live(wh)) == [("b", 4), ("c", 4)]


def test_no_mark_is_cut_in_two(wh):
    """A part never spans a watermark, the upto of a derived part, or an open snapshot."""
    for number in range(4):
        move(wh, number)
    with wh.ledger.begin() as tx:
        wh.ledger.put(tx, schema.watermark, {"reader": "chain:1", "slice": 0, "n": 4})
    for number in range(4, 8):
        move(wh, number)
    engine = wh.engine()
    held = wh.open_snapshot(engine=engine)
    for number in range(8, 12):
        move(wh, number)
    fold(wh)

    assert [(part.place, part.rows) for part in live(wh)] == [(4, 4), (8, 4), (12, 4)]
    assert (after(wh, 4), after(wh, held.n)) == ([4, 5, 6, 7, 8, 9, 10, 11], [8, 9, 10, 11])
    held.release()
    engine.close()
    for number in range(12, 16):
        move(wh, number)
    assert fold(wh, more_than=4) == 6
    assert after(wh, 4) == list(range(4, 16))


def test_touches_under_way_keep_their_part(wh):
    """A batch points at rows of its part: until it is folded the part stays."""
    for contact in range(6):
        plan(wh, contact, "hello", "email", "commercial")
    first = live(wh, "touches")[0].n
    with wh.ledger.begin() as tx:
        tx.execute(sa.insert(schema.batch), {"part": first, "first_row": 0, "rows": 1, "slice": 0, "chain": 1,
                                             "step": "hello", "connector": "smtp", "run": "r", "state": "planned"})
    assert fold(wh) == 5
    assert [part.n for part in live(wh, "touches")][0] == first
    with wh.ledger.begin() as tx:
        tx.execute(sa.update(schema.batch).values(state="folded"))
    assert fold(wh, more_than=1) == 2
    assert rows(wh, "SELECT count(*) FROM touches WHERE step = 'hello' AND channel = 'email'") == [(6,)]


def test_costs_stay_with_their_rows(wh):
    """Touches of different cost can share a part."""
    for number, cost in enumerate(["0.10", "0.25", None, "0.10"]):
        commit = wh.commit(run=f"r{number}", as_of=NOW)
        touch = {"enrolment_id": number, "visit": 1, "leg": 1, "seq": 1}
        commit.add("touches", pa.Table.from_pylist([touch], TABLES["touches"].columns), slice=0, chain=1, version=1,
                   to_step="s", channel="sms", purpose="commercial", connector="x", cost=cost and Decimal(cost))
        commit.apply()
    query = "SELECT enrolment_id, cost, run FROM raw_touches ORDER BY 1"
    before = rows(wh, query)

    assert fold(wh) == 4
    assert rows(wh, query) == before
    assert [row[1] for row in before] == [Decimal("0.10"), Decimal("0.25"), None, Decimal("0.10")]


def test_contacts_keep_their_attributes(wh):
    """Parts with different attributes fold into one that has them all."""
    for number in range(2):
        list_contacts(wh, (number, None, None))
    for number in range(2, 4):
        commit = wh.commit(run="load", as_of=NOW)
        commit.add("contacts", pa.Table.from_pylist([{"contact_id": number, "size": f"s{number}"}]), slice=0)
        commit.apply()

    assert fold(wh) == 4
    assert rows(wh, "SELECT contact_id, client_id, size FROM contacts ORDER BY 1") == [
        (0, "c0", None), (1, "c1", None), (2, None, "s2"), (3, None, "s3")]


def test_who_rewrites_a_part_meanwhile_wins_once(wh, monkeypatch):
    """A fold and a rewrite of the same part exclude each other, whoever comes first."""
    numbers = [move(wh, number)[0] for number in range(4)]
    def rewritten_meanwhile(place: str) -> None:
        if place == "fold.before_commit":
            commit = wh.commit(run="erasure", as_of=NOW)
            commit.retire(numbers[:1])
            commit.apply()

    with monkeypatch.context() as patch:
        patch.setattr(maintenance, "reach", rewritten_meanwhile)
        assert fold(wh) == 0
    late = wh.commit(run="erasure", as_of=NOW)
    late.retire(numbers[1:2])
    assert fold(wh, more_than=2) == 3
    with pytest.raises(HeadMoved):
        late.apply()
    assert [row[0] for row in rows(wh, MOVES)] == [1, 2, 3]


def test_readers_ask_by_place():
    """Everything after a mark is asked by place; by number a reader would see folded rows again."""
    asked = re.compile(r"part\.c\.n\s*>|part\.c\.n\.between")
    found = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "warehouse").rglob("*.py"))
             if asked.search(path.read_text(encoding="utf-8"))]

    assert found == []
