"""Replaying: the slices of a past pass, each opened as that pass found it, on a branch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from pydantic import RootModel

from marketing.calendar import Span
from marketing.chain import Chain
from marketing.graph import compile
from marketing.policy import Policy
from marketing.summary import Summary
from outbox.wired import Wired
from tasks.approving import Permit
from warehouse.branching import drop_branch
from warehouse.comparing import Compared, compare
from warehouse.passing import SlicePass
from warehouse.past import branch_of_past, made_again, step_back
from warehouse.records import Record, records_of, run_named
from warehouse.versions import Version, register, versions_of

__all__ = ["Again", "Change", "Compared", "NewWay", "compared", "in_the_past", "records"]

#: A replay whose process died leaves its branch; it may be taken away after this long.
LASTS = timedelta(hours=6)


@dataclass(frozen=True)
class NewWay:
    """A chain written otherwise, with its queries: who enters goes by it."""

    chain: Chain
    queries: dict[str, str]


@dataclass(frozen=True)
class Change:
    """What a replay does otherwise than the pass did: nothing, unless something is given."""

    policy: Policy | None = None
    chain: NewWay | None = None


@dataclass(frozen=True)
class _Door:
    """What enrolling asks of a chain, as the pass found it."""

    name: str
    audience: str
    reenter_after: Span | None
    defaults: dict[str, Any]

    def params(self) -> RootModel:
        """The parameters of those whom other chains hand over."""
        return RootModel[dict[str, Any]](self.defaults)


class Again:
    """One slice of a past pass, to be made again like a slice of any pass: see `tasks.opening.Visit`."""

    def __init__(self, wired: Wired, stage: Wired, record: Record, change: Change):
        self.wired, self.stage, self.record, self.change = wired, stage, record, change
        step_back(stage.warehouse, wired.warehouse, record)
        if change.policy:
            stage.warehouse.policy = change.policy
        self.versions, door = self._versions()
        self.chain, way = _Door(self.versions[-1].name, *door), record.way
        self.params, self.ask, self.room = {**door[2], **_known(way.params, door[2])}, way.ask, way.room
        self.permit = Permit(tuple(way.given), way.ask)
        self.summary = Summary(self.chain.name, record.run, record.as_of, rehearsed=True)

    def _versions(self) -> tuple[list[Version], tuple[str, Span | None, dict[str, Any]]]:
        """Those that the pass knew, and how contacts come in by the last of them."""
        ledger, new, way = self.stage.warehouse.ledger, self.change.chain, self.record.way
        by_id = {version.id: version for version in versions_of(ledger, self.record.chain)}
        versions = [by_id[number] for number in self.record.versions]
        if new is None:
            return versions, (way.audience, way.reenter_after, dict(way.defaults))
        chain = new.chain
        current = register(ledger, compile(chain), chain.params.model_json_schema(), new.queries, self.record.as_of)
        return ([*(version for version in versions if version.id != current.id), current],
                (chain.audience, chain.reenter_after, chain.params().model_dump(mode="json")))

    def open(self) -> SlicePass:
        """The slice as of its moment; what is made of it is numbered below what was there."""
        record = self.record
        passing = SlicePass(
            self.stage.warehouse, self.versions, self.versions[-1], slice=record.slice, as_of=record.as_of, run=record.run,
            latencies={name: timedelta(seconds=late) for name, late in record.latencies.items()}, n=record.n)
        self._made: list[int] = []
        passing.commit.within(lambda _tx, numbers: self._made.extend(numbers))
        return passing

    def close(self) -> None:
        """The slice has been made again."""
        made_again(self.stage.warehouse, self._made)


def records(wired: Wired, asked: str) -> list[Record]:
    """What the pass that is asked for read, slice by slice. Raises `NoRecord`."""
    ledger = wired.warehouse.ledger
    return records_of(ledger, run_named(ledger, asked))


@contextmanager
def in_the_past(wired: Wired, of_pass: Sequence[Record], run: str) -> Iterator[Wired]:
    """The installation over a branch of what a pass read, dropped at the end with all that was written to it; `run` is
    that of the replay."""
    warehouse = wired.warehouse
    name = f"replay_{run.replace('-', '_')}".lower()[:60]
    stage = branch_of_past(warehouse, name, wired.wall() + LASTS, of_pass)
    try:
        yield replace(wired, warehouse=stage)
    finally:
        stage.close()
        drop_branch(warehouse, name)


def compared(wired: Wired, stage: Wired, of_pass: Sequence[Record]) -> Compared:
    """What the pass made true, beside what the branch has made of it."""
    return compare(wired.warehouse, stage.warehouse, of_pass)


def _known(params: Any, defaults: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name in defaults}

