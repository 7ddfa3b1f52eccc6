"""Branches: a copy of the manifest in a ledger of its own over the same parts, on which the live code runs."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from warehouse import Warehouse, schema
from warehouse.ledger import Ledger
from warehouse.manifest import current_number, visible
from warehouse.snapshot import Snapshot
from warehouse.store import FolderStore

__all__ = ["BranchError", "BranchStore", "branch", "copy_table", "drop_branch", "listed_by_branches", "making", "open_branch"]

#: What is of the moment or of people, not of the state: readers, locks, other branches, what somebody stopped or decided.
_NOT_COPIED = frozenset({"snapshot", "lease", "branch", "journal", "stop", "approval", "replay", "former", "text", "seed"})
_ROWS_AT_ONCE = 1_000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
#: Paths of a branch's own parts open with this; a table's folder never does.
_OWN = "@"


class BranchError(Exception):
    """A branch that cannot be made or is not there."""


class BranchStore:
    """Reads the parts of the main store; writes, drops and lists only the branch's own.

    Nothing of a branch has to outlive the machine: its parts, like its ledger, wait for no disk.
    """

    def __init__(self, main, folder: Path):
        self.main, self.own = main, FolderStore(folder)

    def reserve(self, tbl: str) -> str:
        return _OWN + self.own.reserve(tbl)

    def begin(self, path: str) -> Path:
        return self.own.begin(path.removeprefix(_OWN))

    def seal(self, path: str) -> int:
        target = self.own.root / path.removeprefix(_OWN)
        os.replace(target.with_suffix(".tmp"), target)
        return target.stat().st_size

    def settle(self, paths: list[str]) -> None:
        pass

    def local(self, paths: list[str]) -> list[str]:
        """The same parts, in the same order, as files that the engine can open."""
        shared = [path for path in paths if not path.startswith(_OWN)]
        found = dict(zip(shared, self.main.local(shared), strict=True)) if shared else {}
        return [found[path] if path in found else self.own.local([path.removeprefix(_OWN)])[0] for path in paths]

    def holds(self, path: str) -> bool:
        return self.own.holds(path.removeprefix(_OWN)) if path.startswith(_OWN) else self.main.holds(path)

    def drop(self, path: str) -> None:
        """Delete a part of the branch; one of the main store is not the branch's to delete."""
        if path.startswith(_OWN):
            self.own.drop(path.removeprefix(_OWN))

    def files(self) -> list[tuple[str, float]]:
        return [(_OWN + path, modified) for path, modified in self.own.files()]


def branch(wh: Warehouse, name: str, expires: datetime) -> Warehouse:
    """Make a branch of this moment; returns it as a warehouse, with a clock that is simulated from now on.

    Parts are shared, what the branch writes is its own, the inbox is empty, and batches under way
    come along. It lasts until `expires` (real time) or `drop_branch`. Raises `BranchError`.
    """
    with making(wh, name, expires) as ledger:
        _copy(wh, ledger)
    return open_branch(wh, name)


@contextmanager
def making(wh: Warehouse, name: str, expires: datetime, n: int | None = None) -> Iterator[Ledger]:
    """The ledger of a branch to be filled, which is there under its name once the block has ended well.

    The files that are read at the moment `n` (None: now) stay meanwhile. Raises `BranchError`.
    """
    if isinstance(wh.store, BranchStore):
        raise BranchError("A branch cannot be branched; make another branch of the warehouse itself.")
    folder = _folder(wh, name)
    held = Snapshot(wh, slice=None, engine=None, n=n)  # until the branch itself lists the files
    try:
        _announce(wh, name, held.n, expires)
        shutil.rmtree(folder, ignore_errors=True)  # what a branch that died half made has left
        folder.mkdir(parents=True)
        made = folder / "making.sqlite"
        ledger = Ledger(f"sqlite:///{made}", lasting=False)
        yield ledger
        ledger.close()  # the last connection takes the write-ahead log into the file
        os.replace(made, folder / "ledger.sqlite")
    finally:
        held.release()


def open_branch(wh: Warehouse, name: str) -> Warehouse:
    """A branch that was made before, by this process or another. Raises `BranchError`."""
    folder = _folder(wh, name)
    if not (folder / "ledger.sqlite").exists():
        known = ", ".join(sorted(path.parent.name for path in wh.home.glob("branches/*/ledger.sqlite"))) or "none"
        raise BranchError(f"There is no branch {name!r}; there are: {known}.")
    ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}", lasting=False)
    return Warehouse(folder, wh.house, wh.policy, ledger, BranchStore(wh.store, folder / "parts"), key=wh.key,
                     slice_bits=wh.slice_bits, memory_limit=wh.memory_limit, threads=wh.threads)


def drop_branch(wh: Warehouse, name: str) -> None:
    """Forget a branch and delete what is its own; one that is not there is no error."""
    shutil.rmtree(_folder(wh, name), ignore_errors=True)
    with wh.ledger.begin() as tx:
        tx.execute(sa.delete(schema.branch).where(schema.branch.c.name == name))


def listed_by_branches(wh: Warehouse) -> set[str]:
    """The paths of the main store that some branch lists."""
    with wh.ledger.read() as tx:
        urls = tx.execute(sa.select(schema.branch.c.url)).scalars().all()
    paths: set[str] = set()
    for url in urls:
        if Path(sa.make_url(url).database).exists():  # else it is being made, under a snapshot, or was dropped
            ledger = Ledger(url)
            with ledger.read() as tx:
                paths.update(tx.execute(sa.select(schema.part.c.path).where(schema.part.c.path.is_not(None))).scalars())
            ledger.close()
    return paths


def _folder(wh: Warehouse, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise BranchError(f"A branch cannot be called {name!r}; accepted: small letters, digits and _, a letter first.")
    return wh.home / "branches" / name


def _announce(wh: Warehouse, name: str, n: int, expires: datetime) -> None:
    row = {"name": name, "n": n, "url": f"sqlite:///{_folder(wh, name) / 'ledger.sqlite'}", "expires_at": expires}
    try:
        with wh.ledger.begin() as tx:
            tx.execute(sa.insert(schema.branch), row)
    except sa.exc.IntegrityError:
        raise BranchError(f"There is a branch {name!r} already; drop it first, or give another name.") from None


def _copy(wh: Warehouse, ledger: Ledger) -> None:
    """Copy one moment of the ledger into a branch's."""
    now = wh.clock.now()
    with wh.ledger.read() as source, ledger.begin() as target:
        moment = visible(current_number(source))
        for table in schema.metadata.sorted_tables:
            if table is schema.part:
                copy_table(source, target, sa.select(table).where(moment))
            elif table is schema.batch:
                copy_table(source, target, sa.select(table).where(table.c.state != "folded"))  # the others' parts may be gone
            elif table.name not in _NOT_COPIED:
                copy_table(source, target, sa.select(table))
        target.execute(sa.delete(schema.meta).where(schema.meta.c.key == "clock"))
        target.execute(sa.insert(schema.meta), {"key": "clock", "value": now.isoformat()})


def copy_table(source: sa.Connection, target: sa.Connection, query: sa.Select, into: sa.Table | None = None) -> None:
    """Make rows of one ledger those of another: `into`, else the table that is asked, holds nothing else afterwards."""
    table = query.get_final_froms()[0] if into is None else into
    target.execute(sa.delete(table))
    rows = source.execution_options(yield_per=_ROWS_AT_ONCE).execute(query).mappings()
    for some in rows.partitions(_ROWS_AT_ONCE):
        target.execute(sa.insert(table), [dict(row) for row in some])
