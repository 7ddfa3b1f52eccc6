"""A disk that takes no more: a clear error, and nothing half true."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.warehouse.made import MOVES, live, move, rows

ROOT = Path(__file__).parents[2]
#: A process whose files may not grow beyond so many bytes: what a full disk is to it.
COMMIT = """
import resource, sys
from pathlib import Path
import pyarrow as pa
from marketing.house import House
from marketing.policy import Policy
from warehouse import Warehouse
from warehouse.tables import TABLES
home, count, limit = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
wh = Warehouse.open(home, House.read(home / "house.toml"), Policy.read(home / "policy.toml"), slice_bits=10)
rows = pa.Table.from_pylist([{"enrolment_id": n ** 3 % 2147483647, "seq": 0} for n in range(count)], TABLES["moves"].columns)
engine = wh.engine()
engine.register("moved", rows)
wh.ledger.engine.dispose()
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    commit = wh.commit(run="full", as_of=wh.clock.now(), engine=engine)
    commit.add("moves", {source}, slice=0, chain=1, version=1, from_step="a", to_step="b", reason="next")
    commit.apply()
except Exception as error:
    print(type(error).__name__, str(error).replace(chr(10), " "))
"""


@pytest.mark.parametrize(("source", "count", "limit", "kind"), [
    ('"moved"', 50_000, 20_000, "StoreError A part of moves cannot be written"),
    ("rows", 50_000, 20_000, "StoreError A part of moves cannot be written"),
    ('"moved"', 1_500, 1_000, "LedgerError The ledger cannot be written"),
], ids=["a part", "a part from Arrow", "the ledger"])
def test_a_full_disk_is_a_clear_error(local, source, count, limit, kind):
    """The error says what could not be written and what to do; no row and no file is left, and the next commit works."""
    move(local, 0)
    before = rows(local, MOVES)
    done = subprocess.run([sys.executable, "-c", COMMIT.replace("{source}", source), str(local.home), str(count), str(limit)],
                          check=True, text=True, stdout=subprocess.PIPE, cwd=ROOT)

    assert done.stdout.startswith(kind)
    assert "Nothing of this commit is true; make room" in done.stdout
    assert (rows(local, MOVES), local.store.files()) == (before, [])
    move(local, 1)
    assert len(live(local)) == 2
