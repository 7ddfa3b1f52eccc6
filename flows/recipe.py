"""The recipe of a pass: collect, settle, enrol, each step once, commit, send what it planned, account for all."""

import time
from collections.abc import Callable
from contextvars import Context
from typing import Any

from prefect.context import FlowRunContext

import chains
from flows import waking
from flows.chain_files import queries
from marketing.options import RunOptions
from marketing.summary import Summary
from tasks.approving import Permit, entered, permit
from tasks.collect import anything_came, anything_settled, collect, fold
from tasks.enrol import enrol
from tasks.finish import finish
from tasks.measure import measure, next_due
from tasks.naming import name_run
from tasks.opening import TRIES, HeadMoved, Visit, accounted, passed_everywhere, visits, why_wait
from tasks.rehearsing import on_a_branch
from tasks.send import send
from tasks.settle import settle
from tasks.step import step

__all__ = ["do", "pass_once", "run_pass"]

NO_OPTIONS = RunOptions()


def do(task, *args: Any, name: str | None = None, **kwargs: Any) -> Any:
    """Run a task: as a task run inside a flow, as a plain function outside one."""
    if FlowRunContext.get() is None:
        return task.fn(*args, **kwargs)
    return (task.with_options(task_run_name=name) if name else task)(*args, **kwargs)


def run_pass(wired, name: str, params=None, options=NO_OPTIONS, *, run: str, run_name: str | None = None,
             starter: str | None = None, progress: Callable[[str], Any] = lambda line: None, enrolling: bool = True) -> Summary:
    """One pass of the chain `name`: who is due moves on, a new wave enters, its own batches leave for a while.

    `wired` is the installation (flows.wiring), `params` the wave's parameters (None: the chain's defaults), `options`
    how far this run may go; a rehearsal is a pass over a branch (flows.rehearsal), which hears and sends nothing.
    A rehearsal that is not `enrolling` takes in nobody of the audience.
    """
    chain = chains.load(name)
    params = params or chain.params()
    with accounted(wired, chain, queries(chain), params, options, run=run, name=run_name or name,
                   starter=starter) as (version, summary):
        if not options.rehearse and anything_came(wired):
            found = do(collect, wired, run)
            summary.heard(found)
            waking.after_listing(wired, found.kinds, apart=name)
        if not options.rehearse and anything_settled(wired):
            do(fold, wired, run)
        summary.waits_for = why_wait(wired, chain, summary.as_of)
        if not summary.waits_for:
            permitted = _permitted(wired, chain, version, params, options, run, enrolling)
            summary.awaits = permitted.said
            resumed = [_pass_slice(visit) for visit in visits(wired, chain, version, params, options, summary, permitted)]
            passed_everywhere(wired, version, run)
            entered(wired, permitted)
            if not options.rehearse and (summary.planned or any(resumed)):
                _send_own(wired, summary)
        summary.next_due = next_due(wired, version)
        if summary.anything:  # a pass with nothing to do asks the server for nothing more
            summary.run_name = name_run(wired, version, summary, run_name or name)
            do(measure, wired, summary)
        progress(str(summary))
    return summary


def _permitted(wired, chain, version, params, options, run: str, enrolling: bool) -> Permit:
    """What may enter: all there is in a rehearsal, else what needs no person's approval or has got it."""
    if options.rehearse:
        return Permit(asks=enrolling)

    def size() -> Summary:
        with on_a_branch(wired, run) as stage:
            # Outside the flow's context, as plain functions: a run's page shows its own tasks alone.
            rehearsal = options.model_copy(update={"rehearse": True})
            return Context().run(run_pass, stage, chain.name, params, rehearsal, run=run)

    return permit(wired, chain, version, params, run, size)


def _pass_slice(visit: Visit) -> bool:
    """One slice, computed again from the start whenever somebody else has committed first; True where it was done before."""
    for _ in range(TRIES):
        if visit.resumed:
            return True
        if not visit.needed():
            return False
        try:
            return not pass_once(visit)
        except HeadMoved:
            time.sleep(0.01)
    raise HeadMoved(f"{visit.chain.name}, slice {visit.slice}: other passes committed first {TRIES} times; run it again.")


def pass_once(visit: Visit) -> bool:
    """Settle, enrol, every step with somebody due in written order, and the commit that makes it true; False if done before."""
    passing = visit.open()
    if passing is None:
        return False
    try:
        settled = do(settle, passing)
        do(enrol, passing, visit.chain, visit.params, visit.ask, visit.room, visit.permit.approved)
        for version in passing.versions:
            for at in version.graph.steps:
                if passing.busy(version, at):
                    do(step, passing, version, at, name=at.name)
        do(finish, passing)
        visit.summary.settled += settled
        visit.summary.add(passing.tally)
        return True
    finally:
        passing.close()


def _send_own(wired, summary: Summary) -> None:
    """The batches of this run, for at most a minute: a lead's call is seen to leave in the run that planned it."""
    until = time.monotonic() + wired.send_for
    for name in sorted(set(wired.warehouse.house.channels.values())):
        if (left := until - time.monotonic()) > 0:
            summary.sent.update(do(send, wired, name, summary.run, left, summary.run, name=f"send by {name}"))
    do(fold, wired, summary.run)
