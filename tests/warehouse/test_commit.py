"""The commit: all of it or nothing, and only on what was read."""

import shutil
import tempfile
import threading
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from marketing.house import House
from marketing.policy import Policy
from tests.warehouse.made import NOW, rows
from warehouse import HeadMoved, LedgerError, Warehouse, schema
from warehouse.commit import INLINE_ROWS
from warehouse.manifest import parts_of
from warehouse.tables import TABLES

ROOT = Path(__file__).parents[2]
LISTED = "SELECT contact_id, run FROM raw_responses ORDER BY ALL"


def some(first: int, count: int = 1) -> pa.Table:
    """Responses of so many contacts from `first` on."""
    return pa.Table.from_pylist([{"contact_id": n} for n in range(first, first + count)], TABLES["responses"].columns)


def files(wh) -> list[str]:
    return sorted(path for path, _ in wh.store.files())


def test_who_read_an_old_head_loses(wh):
    """Of two that read the same head one commits; nothing of the other is visible, and its files are gone."""
    first, second = wh.commit(run="first", as_of=NOW), wh.commit(run="second", as_of=NOW)
    for commit in (first, second):
        commit.read_head("chain:1", 0)
    first.add("responses", some(1), slice=0)
    second.add("responses", some(2), slice=0)
    second.add("responses", some(10, INLINE_ROWS + 1), slice=0)
    done = []
    second.within(lambda tx, numbers: done.append(numbers))
    first.apply()

    with pytest.raises(HeadMoved, match="chain:1, slice 0"):
        second.apply()
    assert (rows(wh, LISTED), files(wh), done) == ([(1, "first")], [], [])


def test_different_heads_do_not_meet(wh):
    """Commits of other slices and chains go side by side."""
    commits = [wh.commit(run=f"{scope}/{slice}", as_of=NOW) for scope, slice in [("a", 0), ("a", 1), ("b", 0)]]
    for commit, (scope, slice) in zip(commits, [("a", 0), ("a", 1), ("b", 0)], strict=True):
        commit.read_head(scope, slice)
        commit.add("responses", some(slice), slice=slice)
    numbers = [commit.apply() for commit in commits]

    assert numbers == [[1], [2], [3]]
    assert rows(wh, LISTED) == [(0, "a/0"), (0, "b/0"), (1, "a/1")]


def test_a_failing_change_takes_everything_back(wh):
    """What fails inside the transaction leaves no part, no head moved, no number taken."""
    commit = wh.commit(run="r", as_of=NOW)
    commit.read_head("a", 0)
    commit.add("responses", some(0, INLINE_ROWS + 1), slice=0)

    def refuse(tx, numbers):
        raise ValueError("no")

    commit.within(refuse)
    with pytest.raises(ValueError, match="no"):
        commit.apply()
    again = wh.commit(run="again", as_of=NOW)

    assert (again.read_head("a", 0), wh.number(), files(wh)) == (0, 0, [])


def test_a_lost_answer_leaves_the_files(wh):
    """When the line breaks as the server commits, the parts may be listed: they are left to the sweeper."""
    if wh.ledger.sqlite:
        pytest.skip("SQLite is no server: its commit cannot go through unheard")
    commit = wh.commit(run="r", as_of=NOW)
    commit.add("responses", some(0, INLINE_ROWS + 1), slice=0)

    def cut_after_commit(connection):
        connection.connection.commit()
        raise sa.exc.OperationalError("COMMIT", None, ConnectionError("the line is dead"))

    sa.event.listen(wh.ledger.engine, "commit", cut_after_commit)
    with pytest.raises(LedgerError, match="whole or not at all"):
        commit.apply()
    sa.event.remove(wh.ledger.engine, "commit", cut_after_commit)

    assert rows(wh, "SELECT count(*) FROM responses") == [(INLINE_ROWS + 1,)]


def test_a_part_is_replaced_once(wh):
    """Two that replace the same part: one does, the other is told to read again."""
    commit = wh.commit(run="old", as_of=NOW)
    commit.add("responses", some(1), slice=0)
    [number] = commit.apply()
    first, second = wh.commit(run="first", as_of=NOW), wh.commit(run="second", as_of=NOW)
    for commit in (first, second):
        commit.retire([number])
        commit.add("responses", some(2), slice=0)
    first.apply()

    with pytest.raises(HeadMoved, match="replaced by somebody else"):
        second.apply()
    assert rows(wh, LISTED) == [(2, "first")]


def test_small_commits_need_no_file(wh):
    """Up to INLINE_ROWS rows travel in the manifest, one more makes a file; both read alike, and nothing makes none."""
    commit = wh.commit(run="r", as_of=NOW)
    commit.add("responses", some(0, INLINE_ROWS), slice=0)
    commit.add("responses", some(INLINE_ROWS, INLINE_ROWS + 1), slice=0)
    nothing = commit.add("responses", some(0, 0), slice=0)
    commit.apply()
    with wh.ledger.read() as tx:
        found = [(part.rows, part.path is None, part.place) for part in parts_of(tx, 9, "responses")]

    assert (nothing, found) == (None, [(INLINE_ROWS, True, 1), (INLINE_ROWS + 1, False, 2)])
    assert len(files(wh)) == 1
    assert rows(wh, "SELECT count(DISTINCT contact_id) FROM responses") == [(2 * INLINE_ROWS + 1,)]


def test_numbers_are_in_the_order_of_commits(wh):
    """Many at once: every number is given once, and each commit's numbers follow each other."""
    taken: list[list[int]] = []

    def write(who: int) -> None:
        for _ in range(5):
            commit = wh.commit(run=str(who), as_of=NOW)
            commit.add("responses", some(who), slice=0)
            commit.add("responses", some(who + 100), slice=0)
            taken.append(commit.apply())

    threads = [threading.Thread(target=write, args=(who,)) for who in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(number for numbers in taken for number in numbers) == list(range(1, 31))
    assert all(second == first + 1 for first, second in taken)


def test_a_race_for_one_head_has_one_winner_each_time(wh):
    """Whoever loses reads again and commits: nothing is lost, nothing is written on an old reading."""
    def add_one(_who: int) -> None:
        for _ in range(4):
            while True:
                commit = wh.commit(run="r", as_of=NOW)
                commit.read_head("count", 0)
                with wh.ledger.read() as tx:
                    seen = len(parts_of(tx, 1 << 60, "responses"))
                commit.add("responses", some(seen), slice=0)
                try:
                    commit.apply()
                    break
                except HeadMoved:
                    continue

    threads = [threading.Thread(target=add_one, args=(who,)) for who in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [row[0] for row in rows(wh, LISTED)] == list(range(12))


class Commits(RuleBasedStateMachine):
    """The model: a list of what was committed, and the state of each head when each open commit read it."""

    def __init__(self):
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="relance-commits-"))
        house, policy = House.read(ROOT / "house.toml"), Policy.read(ROOT / "policy.toml")
        self.wh = Warehouse.open(self.home, house, policy)
        self.seq = {"a": 0, "b": 0}
        self.visible: dict[int, int] = {}
        self.open: list[dict] = []
        self.made = 0

    def teardown(self):
        self.wh.close()
        shutil.rmtree(self.home)

    @rule(heads=st.sets(st.sampled_from(["a", "b"])), data=st.data())
    def begin(self, heads, data):
        commit = self.wh.commit(run="r", as_of=datetime(2026, 3, 1))
        for scope in heads:
            commit.read_head(scope, 0)
        gone = data.draw(st.sets(st.sampled_from(sorted(self.visible)), max_size=2)) if self.visible else set()
        commit.retire(sorted(gone))
        self.made += 1
        commit.add("responses", some(self.made), slice=0)
        self.open.append({"commit": commit, "seen": {s: self.seq[s] for s in heads}, "gone": gone, "row": self.made})

    @rule(data=st.data())
    def apply(self, data):
        if not self.open:
            return
        one = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        may = all(self.seq[s] == seen for s, seen in one["seen"].items()) and one["gone"] <= set(self.visible)
        if not may:
            with pytest.raises(HeadMoved):
                one["commit"].apply()
            return
        [number] = one["commit"].apply()
        for scope in one["seen"]:
            self.seq[scope] += 1
        for part in one["gone"]:
            del self.visible[part]
        self.visible[number] = one["row"]

    @invariant()
    def what_is_visible_was_committed(self):
        with self.wh.ledger.read() as tx:
            heads = dict(tx.execute(sa.select(schema.head.c.scope, schema.head.c.seq)).all())
            assert [part.n for part in parts_of(tx, 1 << 60, "responses")] == sorted(self.visible)
        assert heads == {scope: self.seq[scope] for scope in heads}
        assert [row[0] for row in rows(self.wh, LISTED)] == sorted(self.visible.values())


TestCommits = Commits.TestCase
TestCommits.settings = settings(max_examples=10, stateful_step_count=15, deadline=None)
