"""Rehearsing: a branch of the warehouse for as long as a rehearsal takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from outbox.wired import Wired
from warehouse.branching import branch, drop_branch

__all__ = ["on_a_branch"]

#: A rehearsal whose process died leaves its branch; it may be taken away after this long.
LASTS = timedelta(hours=6)


@contextmanager
def on_a_branch(wired: Wired, run: str) -> Iterator[Wired]:
    """The installation over a branch of this moment, dropped at the end with all that was written to it."""
    name = f"rehearsal_{run.replace('-', '_')}".lower()[:60]
    drop_branch(wired.warehouse, name)  # what a first try of this run has left
    copy = branch(wired.warehouse, name, wired.wall() + LASTS)
    try:
        yield replace(wired, warehouse=copy)
    finally:
        copy.close()
        drop_branch(wired.warehouse, name)
