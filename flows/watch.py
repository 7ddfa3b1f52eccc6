"""Watch: every few minutes what died is closed, what was cancelled withdrawn, the state published, alarms told."""

from typing import Any

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed

from flows import names, wiring
from flows.deployments import sound
from flows.recipe import do
from tasks import recording
from tasks import watch as watching
from tasks.opening import Wired

__all__ = ["look_after", "watch"]


def look_after(wired: Wired, *, run: str, run_name: str | None = None, starter: str | None = None) -> dict[str, Any]:
    """Look after the house once; returns what was closed, withdrawn and told, and how many alarms stand."""
    with recording.recorded(wired, "watch", run, name=run_name, by=starter) as summary:
        readable, broken = sound()
        closed, left_alone = do(watching.close_dead, wired)
        summary.update(closed=closed, left_alone=left_alone, broken=sorted(broken),
                       withdrawn=do(watching.withdraw_cancelled, wired))
        do(watching.next_passes, wired, [chain.name for chain in readable])
        seen = do(watching.look, wired, {chain.name: chain.sources for chain in readable})
        found, told = do(watching.raise_alarms, wired, seen)
        do(watching.publish, wired, seen, found, left_alone)
        summary.update(alarms=[alarm.key for alarm in found], told=len(told))
    return summary


@flow(name="watch", flow_run_name=names.at_start, persist_result=False)
def watch() -> Any:
    """Close dead runs, withdraw what cancelled runs have not sent, publish the status page, tell alarms."""
    done = look_after(wiring.wired(), run=str(flow_run.id), run_name=flow_run.name, starter=recording.starter())
    said = f"{len(done['alarms'])} alarms, {done['told']} told now." if done["alarms"] else "No alarm."
    if done["closed"]:
        said += f" {len(done['closed'])} dead runs closed."
    if done["withdrawn"]:
        said += f" {done['withdrawn']:,} touches of cancelled runs withdrawn."
    return Completed(message=said, data=done)
