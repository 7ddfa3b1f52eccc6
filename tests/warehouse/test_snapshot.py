"""The snapshot: one moment of everything, whatever is committed meanwhile."""

from datetime import timedelta

import pyarrow as pa
import sqlalchemy as sa

from tests.warehouse.made import NOW, list_contacts, plan, post, response, rows, run
from warehouse import schema
from warehouse.commit import INLINE_ROWS
from warehouse.manifest import listed, parts_of
from warehouse.snapshot import public_views
from warehouse.tables import TABLES


def order(wh, number: int, *, slice: int = 0, **more) -> list[int]:
    commit = wh.commit(run="load", as_of=NOW)
    row = {"contact_id": number, "order_id": f"o{number}", "line_id": "1", "ordered_at": NOW} | more
    commit.add("orders", pa.Table.from_pylist([row]), slice=slice, lo_at=NOW, hi_at=NOW)
    return commit.apply()


ORDERS = "SELECT contact_id, order_id FROM orders ORDER BY 1"


def test_a_snapshot_does_not_move(wh):
    """What is committed or replaced after it was opened is not seen, even by views that are read later."""
    [first] = order(wh, 1)
    with wh.snapshot() as early:
        order(wh, 2)
        commit = wh.commit(run="r", as_of=NOW)
        commit.retire([first])
        commit.apply()
        with wh.snapshot() as late:
            assert early.sql(ORDERS).to_pylist() == [{"contact_id": 1, "order_id": "o1"}]
            assert late.sql(ORDERS).to_pylist() == [{"contact_id": 2, "order_id": "o2"}]


def test_a_moment_can_be_read_again(wh):
    """The number of a moment gives the same rows again."""
    for number in range(1, 4):
        order(wh, number)

    with wh.snapshot(n=2) as then:
        assert [row["contact_id"] for row in then.sql(ORDERS).to_pylist()] == [1, 2]


def test_a_slice_sees_its_own(wh):
    """A snapshot of one slice opens the parts of that slice only."""
    order(wh, 1, slice=0)
    order(wh, 2_000, slice=1)

    with wh.snapshot(slice=1) as snap:
        assert [row["contact_id"] for row in snap.sql(ORDERS).to_pylist()] == [2_000]


def test_an_open_snapshot_is_a_row_until_it_is_released(wh):
    """The sweeper sees who reads; afterwards nothing is left."""
    with wh.snapshot() as snap:
        order(wh, 1)
        with wh.ledger.read() as tx:
            held = tx.execute(sa.select(schema.snapshot.c.n)).scalars().all()
    with wh.ledger.read() as tx:
        left = tx.execute(sa.select(schema.snapshot)).all()

    assert (held, snap.n, left) == ([0], 0, [])


def test_every_public_view_reads_from_nothing(wh):
    """An empty warehouse has every view, with its columns and no row."""
    with wh.snapshot() as snap:
        counts = {name: snap.sql(f"SELECT count(*) AS n FROM {name}")["n"][0].as_py()
                  for name in public_views() if "mart" not in name}

    assert {"contacts", "orders", "moves", "touches", "responses", "waves"} <= set(counts)
    assert {name: counts[name] for name in TABLES if name in counts} == {name: 0 for name in TABLES if name in counts}


def test_views_name_chains_and_steps(wh):
    """Facts show the names that the ledger keeps, not its numbers."""
    key = plan(wh, 7, "hello", "email", "commercial")
    post(wh, response("a", key=key))
    run(wh)

    assert rows(wh, "SELECT contact_id, chain, version, wave, step, channel FROM touches") == [
        (7, "win_back", 1, 3, "hello", "email")]
    assert rows(wh, "SELECT contact_id, chain, wave, step, kind FROM responses") == [
        (7, "win_back", 3, "hello", "clicked")]


def test_attributes_of_all_parts_are_columns(wh):
    """A part may bring further columns, in the manifest or in a file; where a part lacks one it is NULL."""
    list_contacts(wh, (1, "ann@example.org", None))
    commit = wh.commit(run="load", as_of=NOW)
    many = range(10, 11 + INLINE_ROWS)
    commit.add("contacts", pa.table({"contact_id": pa.array(many, pa.int64()), "size": ["m"] * len(many)}), slice=0)
    commit.apply()

    assert rows(wh, "SELECT contact_id, email, size FROM contacts WHERE contact_id < 11 ORDER BY 1") == [
        (1, "ann@example.org", None), (10, None, "m")]


def test_files_and_inline_rows_show_their_constants(wh):
    """What stands in the manifest row is a column of each of its rows, for large parts as for small ones."""
    for count, hours, to in [(2, 0, "b"), (INLINE_ROWS + 1, 1, "c")]:
        commit = wh.commit(run=f"run {to}", as_of=NOW + timedelta(hours=hours))
        moved = [{"enrolment_id": n, "seq": 0} for n in range(count)]
        commit.add("moves", pa.Table.from_pylist(moved, TABLES["moves"].columns), slice=0, chain=1, version=1,
                   from_step="a", to_step=to, reason="next")
        commit.apply()

    assert rows(wh, "SELECT to_step, reason, run, moved_at, count(*) FROM raw_moves GROUP BY ALL ORDER BY 1") == [
        ("b", "next", "run b", NOW, 2), ("c", "next", "run c", NOW + timedelta(hours=1), INLINE_ROWS + 1)]


def test_values_travel_beside_the_query(wh):
    """A value is bound by name, whatever it holds."""
    list_contacts(wh, (1, "o'hara@example.org", None))

    assert rows(wh, "SELECT contact_id FROM contacts WHERE email = $mail", mail="o'hara@example.org") == [(1,)]


def test_what_was_listed_since_is_asked_of_the_ledger(wh):
    """Whether a table has anything new for a slice needs no file."""
    [n] = order(wh, 1)
    with wh.ledger.read() as tx:
        answers = [listed(tx, "orders", 0, 0, n), listed(tx, "orders", 0, n, n + 9), listed(tx, "orders", 1, 0, n),
                   listed(tx, "moves", 0, 0, n)]
        found = [part.n for part in parts_of(tx, n, ["orders", "moves"])]

    assert (answers, found) == ([True, False, False, False], [n])
