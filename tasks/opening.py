"""Opening a pass: its version, its run in the ledger, and each slice that has anything to do."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from marketing.chain import Chain
from marketing.graph import compile
from marketing.options import RunOptions
from marketing.summary import Summary
from outbox.wired import Wired
from tasks.approving import Permit
from tasks.recording import who
from tasks.telling import tell
from warehouse import HeadMoved, idling, reconciling, records, runs
from warehouse.branching import BranchStore
from warehouse.noticing import notice
from warehouse.passing import SlicePass
from warehouse.pausing import paused
from warehouse.stops import waits
from warehouse.versions import Version, register

__all__ = ["TRIES", "HeadMoved", "Visit", "Wired", "accounted", "outlook", "passed_everywhere", "visits", "why_wait"]

#: A commit that somebody else forestalled is computed again; so often it means two passes that never rest.
TRIES = 50


@contextmanager
def accounted(wired: Wired, chain: Chain, queries: Mapping[str, str], params: Any, options: RunOptions, *, run: str, name: str,
              starter: str | None) -> Iterator[tuple[Version, Summary]]:
    """The run in the ledger with the version it goes by; every contact is accounted for at its end, or it has failed."""
    ledger, as_of = wired.warehouse.ledger, wired.warehouse.clock.now()
    person = who(starter)
    notice(wired.warehouse, person, now=as_of)
    version = register(ledger, compile(chain), chain.params.model_json_schema(), dict(queries), as_of, person)
    summary = Summary(chain.name, run, as_of, rehearsed=options.rehearse)
    runs.start(ledger, run, name=name, kind="pass", chain=version.chain, as_of=as_of, wall=wired.wall(), starter=starter,
               who=person,
               params=params.model_dump(mode="json") | options.model_dump(mode="json", exclude_defaults=True))
    try:
        yield version, summary
        reconciling.hold(ledger, version.chain, chain.name)  # an idle pass too: it must not hide what the last one found
    except BaseException as error:
        runs.finish(ledger, run, state="failed", summary={"error": str(error)}, wall=wired.wall())
        tell("pass", run=run, state="failed", chain=chain.name, error=error)
        raise
    runs.finish(ledger, run, state="completed", summary=summary.to_json(), wall=wired.wall())
    tell("pass", run=run, state="completed", chain=chain.name, summary=summary.to_json())


def why_wait(wired: Wired, chain: Chain, as_of) -> str:
    """Why the chain must wait: it is paused or stopped, or its sources are stale; empty when it need not."""
    if pause := paused(wired.warehouse.ledger, chain.name):
        return pause.told(chain.name, wired.warehouse.house.zone)
    if stop := waits(wired.warehouse.ledger, chain.name):
        return stop.told(wired.warehouse.house.zone)
    return idling.stale_source(wired.warehouse.ledger, chain.sources, as_of, wired.warehouse.house.zone)


def outlook(wired: Wired, chain: str, since) -> tuple[Any, bool]:
    """When the chain must be passed next, and whether contacts were handed over to it since `since` whom no pass has read."""
    return idling.outlook(wired.warehouse.ledger, chain, wired.warehouse.slices(), since, wired.wall())


class Visit:
    """One slice in one pass: `open` it as often as somebody else commits first."""

    def __init__(self, wired: Wired, chain: Chain, version: Version, params: Any, room: int | None, slice: int,
                 summary: Summary, permit: Permit):
        self.wired, self.chain, self.version, self.slice, self.summary = wired, chain, version, slice, summary
        self.room = room  # how many may enter with this run, in all slices together
        self.params = params.model_dump(mode="json")
        self.permit, self.ask = permit, False

    @property
    def resumed(self) -> bool:
        """Whether this run has passed here before: tried again, it makes one pass over each slice, not two."""
        return idling.passed_by(self.wired.warehouse.ledger, self.version.chain, self.slice, self.summary.run)

    def needed(self) -> bool:
        """Whether anybody is due, anything was listed, or the audience is to be asked; the ledger alone says so."""
        ledger, chain, as_of = self.wired.warehouse.ledger, self.version.chain, self.summary.as_of
        self.ask = self.permit.asks and idling.audience_due(ledger, chain, self.slice, as_of, self.params, self.chain.enrol_every,
                                       self.wired.warehouse.house.zone)
        return self.ask or bool(self.permit.approved) or idling.anything_due(ledger, chain, self.chain.name, self.slice, as_of)

    def open(self) -> SlicePass | None:
        """Read the slice; what it will have done is remembered in its commit. None where this run has passed here before."""
        warehouse = self.wired.warehouse
        older = idling.older_inhabited(warehouse.ledger, self.version)
        passing = SlicePass(warehouse, [*older, self.version], self.version, slice=self.slice,
                            as_of=self.summary.as_of, run=self.summary.run, latencies=self.wired.latencies,
                            rates=self.wired.rates)
        # Asked again once the snapshot stands: the same run, made by another process, may have come by since.
        if self.resumed:
            passing.close()
            return None
        passing.commit.within(lambda tx, _numbers: self._remember(tx, passing.n))
        if not isinstance(warehouse.store, BranchStore):  # nobody makes again what was only rehearsed
            records.remember(passing, self._way(), self.wired.messages.digests(self.chain.name))
        return passing

    def _way(self) -> records.Way:
        chain = self.chain
        return records.Way(chain.audience, chain.reenter_after, chain.params().model_dump(mode="json"), self.params,
                           self.ask, self.room, self.permit.approved)

    def _remember(self, tx, n: int) -> None:
        ledger, chain = self.wired.warehouse.ledger, self.version.chain
        if self.ask:
            idling.asked(ledger, tx, chain, self.slice, self.summary.as_of, self.params, n)
        idling.passed(ledger, tx, chain, self.summary.run, self.slice)


def passed_everywhere(wired: Wired, version: Version, run: str) -> None:
    """A run has been at every slice, those with nothing to do included: what it sends now is news for the next run."""
    ledger = wired.warehouse.ledger
    with ledger.begin() as tx:
        idling.passed(ledger, tx, version.chain, run)


def visits(wired: Wired, chain: Chain, version: Version, params: Any, options: RunOptions, summary: Summary,
           permitted: Permit) -> list[Visit]:
    """The slices of the base, in order."""
    rooms = [room for room in (options.room(version.graph, wired.warehouse.house.costs), permitted.room) if room is not None]
    room = min(rooms, default=None)
    return [Visit(wired, chain, version, params, room, slice, summary, permitted) for slice in wired.warehouse.slices()]
