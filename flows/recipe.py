"""The recipe of a pass: collect, settle, enrol, each step once, commit, send what it planned, account for all."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from prefect.context import FlowRunContext
from pydantic import BaseModel

import chains
from flows.chain_files import queries
from marketing.chain import Chain
from marketing.graph import compile
from marketing.summary import Summary
from tasks.collect import collect, fold
from tasks.enrol import enrol
from tasks.finish import finish
from tasks.measure import measure
from tasks.send import send
from tasks.settle import settle
from tasks.step import step
from tasks.wired import Wired
from warehouse import HeadMoved, idling, reconciling, runs
from warehouse.passing import SlicePass
from warehouse.versions import Version, register, versions_of

__all__ = ["do", "run_pass"]

#: A commit that somebody else forestalled is computed again; so often it means two passes that never rest.
TRIES = 50


def do(task, *args: Any, name: str | None = None, **kwargs: Any) -> Any:
    """Run a task: as a task run inside a flow, as a plain function outside one."""
    if FlowRunContext.get() is None:
        return task.fn(*args, **kwargs)
    return (task.with_options(task_run_name=name) if name else task)(*args, **kwargs)


def run_pass(wired: Wired, name: str, params: BaseModel | None = None, *, run: str, run_name: str | None = None,
             starter: str | None = None, progress: Callable[[str], Any] = lambda line: None) -> Summary:
    """One pass of the chain `name`: who is due moves on, a new wave enters, its own batches leave for a while."""
    warehouse, chain = wired.warehouse, chains.load(name)
    params = params or chain.params()
    as_of, frozen = warehouse.clock.now(), params.model_dump(mode="json")
    version = register(warehouse.ledger, compile(chain), chain.params.model_json_schema(), queries(chain), as_of)
    summary = Summary(name, run, as_of)
    with _recorded(wired, summary, version, run_name or name, frozen, starter):
        do(collect, wired, run)
        do(fold, wired, run)
        summary.waits_for = idling.stale_source(warehouse.ledger, chain.sources, as_of, warehouse.house.zone)
        if not summary.waits_for:
            done = [_pass_slice(wired, chain, version, frozen, slice, summary) for slice in warehouse.slices()]
            _send_own(wired, summary, resumed=not all(done))
        summary.next_due = idling.next_due(warehouse.ledger, version.chain)
        do(measure, wired, summary)
        progress(str(summary))
    return summary


def _pass_slice(wired: Wired, chain: Chain, version: Version, params: dict, slice: int, summary: Summary) -> bool:
    """One slice, computed again from the start whenever somebody else has committed first.

    False where this run has been before: a run that is tried again makes one pass over each slice, not two.
    """
    warehouse, as_of = wired.warehouse, summary.as_of
    for _ in range(TRIES):
        if idling.passed_by(warehouse.ledger, version.chain, slice) == summary.run:
            return False
        ask = idling.audience_due(warehouse.ledger, version.chain, slice, as_of, params, chain.enrol_every, warehouse.house.zone)
        if not ask and not idling.anything_due(warehouse.ledger, version.chain, chain.name, slice, as_of):
            return True
        passing = SlicePass(warehouse, _inhabited(warehouse, version), version, slice=slice, as_of=as_of,
                            run=summary.run, latencies=wired.latencies)
        try:
            summary.settled += do(settle, passing)
            do(enrol, passing, chain, params, ask)
            for one in passing.versions:
                for at in one.graph.steps:
                    if passing.busy(one, at):
                        do(step, passing, one, at, name=at.name)
            if ask:
                passing.commit.within(lambda tx, _n: idling.asked(
                    warehouse.ledger, tx, version.chain, slice, as_of, params, passing.n))
            passing.commit.within(lambda tx, _n: idling.passed(warehouse.ledger, tx, version.chain, slice, summary.run))
            do(finish, passing)
            summary.add(passing.tally)
            return True
        except HeadMoved:
            time.sleep(0.01)
        finally:
            passing.close()
    raise HeadMoved(f"{chain.name}, slice {slice}: other passes committed first {TRIES} times; run it again.")


def _inhabited(warehouse, current: Version) -> list[Version]:
    """The versions that may have contacts in them, the current one last."""
    older = [v for v in versions_of(warehouse.ledger, current.chain) if v.id != current.id]
    return [*(v for v in older if idling.inhabited(warehouse.ledger, v.id)), current]


def _send_own(wired: Wired, summary: Summary, resumed: bool) -> None:
    """The batches of this run, for at most a minute: a lead's call is seen to leave in the run that planned it."""
    if not wired.send_for or not (summary.planned or resumed):
        return
    until = time.monotonic() + wired.send_for
    for name in sorted(set(wired.warehouse.house.channels.values())):
        if (left := until - time.monotonic()) > 0:
            summary.sent.update(do(send, wired, name, summary.run, left, summary.run, name=f"send by {name}"))
    do(fold, wired, summary.run)


@contextlib.contextmanager
def _recorded(wired: Wired, summary: Summary, version: Version, name: str, params: dict, starter: str | None) -> Iterator[None]:
    """The run in the ledger, with its account at the end; an imbalance fails it."""
    ledger = wired.warehouse.ledger
    runs.start(ledger, summary.run, name=name, kind="pass", chain=version.chain, params=params, as_of=summary.as_of,
               wall=wired.wall(), starter=starter)
    try:
        yield
        account = reconciling.account(ledger, version.chain)
        if not account.balanced:
            raise reconciling.Imbalance(f"{summary.chain}: {account}. Run: relance reconcile {summary.chain}")
    except BaseException as error:
        runs.finish(ledger, summary.run, state="failed", summary={"error": str(error)}, wall=wired.wall())
        raise
    runs.finish(ledger, summary.run, state="completed", summary=summary.to_json(), wall=wired.wall())
