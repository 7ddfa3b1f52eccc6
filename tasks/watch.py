"""Watch: flow runs whose process died are closed, the house's state is published, alarms become events."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, WorkerFilter
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.states import Cancelled, Completed, Crashed, Failed

from marketing.alarms import Alarm, alarms, untold
from outbox.wired import Wired
from reports.standing import standing
from warehouse import processes, runs, watching, withdrawing
from warehouse.watching import Standing

__all__ = ["EVENT", "close_dead", "fate", "look", "next_passes", "publish", "raise_alarms", "withdraw_cancelled"]

#: The event of an alarm is this and its kind.
EVENT = "relance.alarm."
#: A run that is over in the ledger, or that was asked to stop, has this long to say so itself.
GRACE = timedelta(minutes=5)
#: From being fetched by a worker to its first line a run takes a minute; after this long its worker is dead.
FETCHED = timedelta(minutes=30)
#: The same where none of the workers is online that may have fetched it.
ORPHANED = timedelta(minutes=1)
#: The tag of everything that is deployed from here.
OURS = "relance"
ONLINE = WorkerFilter(status={"any_": ["ONLINE"]})
_OPEN = ["RUNNING", "PENDING", "CANCELLING"]
_ENDS: Mapping[str, Callable[..., Any]] = {"completed": Completed, "failed": Failed, "crashed": Crashed, "cancelled": Cancelled}


@task(cache_policy=NO_CACHE)
def withdraw_cancelled(wired: Wired) -> int:
    """Withdraw what cancelled runs have in the outbox, also where their process could not; returns how many touches."""
    ledger, now, wall = wired.warehouse.ledger, wired.warehouse.clock.now(), wired.wall()
    with get_client(sync_client=True) as client:
        lately = {"after_": (wall - timedelta(days=1)).replace(tzinfo=UTC)}
        asked = _read(client, ["CANCELLING"]) + _read(client, ["CANCELLED"], end_time=lately)
    known = runs.states(ledger, [str(run.id) for run in asked])
    fresh = [run for run, row in known.items() if row["state"] != "cancelled"]
    return sum(withdrawing.cancel_run(ledger, run, now=now, wall=wall) for run in fresh) + withdrawing.withdraw(ledger, now)


@task(cache_policy=NO_CACHE)
def close_dead(wired: Wired) -> tuple[dict[str, str], list[str]]:
    """End the flow runs whose process died with its worker: they would hold their deployment's place for ever.

    Returns the names of those closed, each with its new state, and of those that only a person can judge.
    """
    ledger, wall = wired.warehouse.ledger, wired.wall()
    runs.mark_crashed(ledger, wall)
    with get_client(sync_client=True) as client:
        there = [run for run in _read(client, _OPEN) if run.id != _own()]
        known = runs.states(ledger, [str(run.id) for run in there])
        orphaned = _orphaned(client, there)
        ends = [(run, fate(run.state.type.value, _naive(run.state.timestamp), known.get(str(run.id)), wall, OURS in run.tags,
                           run.id in orphaned)) for run in there]
        for run, end in ends:
            if end in _ENDS:
                client.set_flow_run_state(run.id, _ENDS[end](message=_why(end)), force=True)
    return {run.name: end for run, end in ends if end in _ENDS}, [run.name for run, end in ends if end == "untold"]


def fate(state: str, since: datetime, row: Mapping[str, Any] | None, now: datetime, ours: bool,
         orphaned: bool = False) -> str | None:
    """What becomes of a flow run that is in an open `state` since an instant: the state in which it is closed, "untold"
    where only a person can judge, None where it goes on. `row` is its run in the ledger, `ours` whether it was deployed
    from here, `orphaned` whether no worker is there any more that may have fetched it."""
    fetched = ORPHANED if orphaned else FETCHED
    if row is None and state == "PENDING":
        return "crashed" if ours and now - since >= fetched else None
    if row is None:
        return None if not ours or now - since < GRACE else "cancelled" if state == "CANCELLING" else "untold"
    lives = processes.alive(row["process"])
    if row["state"] == "running" or lives:
        return None
    if row["started_at"] < since and state != "CANCELLING":
        # The row is of an attempt before this one, which has perhaps not come to its first line yet.
        return "crashed" if now - since >= (fetched if state == "PENDING" else GRACE) else None
    silent = now - max(since, row["ended_at"] or row["started_at"])
    if lives is None and row["state"] != "crashed" and silent < GRACE:
        return None
    return "cancelled" if state == "CANCELLING" else row["state"]


@task(cache_policy=NO_CACHE)
def look(wired: Wired, accepted: Mapping[str, Mapping[str, Any]]) -> Standing:
    """The house at a glance; `accepted` says of each chain the oldest that it accepts of each source."""
    return watching.look(wired.warehouse, wired.connectors, accepted, wired.wall())


@task(cache_policy=NO_CACHE)
def next_passes(wired: Wired, chains: Iterable[str]) -> dict[str, datetime]:
    """For when the next pass of each chain is planned; kept in the ledger for `relance status`."""
    wanted, found = set(chains), {}
    with get_client(sync_client=True) as client:
        flows = {flow.id: flow.name for flow in client.read_flows(limit=200)}
        for run in _read(client, ["SCHEDULED"], sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC):
            if run.next_scheduled_start_time and flows.get(run.flow_id) in wanted:
                found.setdefault(flows[run.flow_id], _naive(run.next_scheduled_start_time))
    watching.remember_next(wired.warehouse.ledger, found)
    return found


@task(cache_policy=NO_CACHE)
def publish(wired: Wired, seen: Standing, found: list[Alarm], left_alone: list[str]) -> None:
    """Publish the status artifact; one key, so that there is one page with its history."""
    house = wired.warehouse.house
    create_markdown_artifact(standing(house.name, house.zone, seen, found, left_alone, house.banner), key="status",
                             description=f"{len(found)} alarms" if found else "No alarm")


@task(cache_policy=NO_CACHE)
def raise_alarms(wired: Wired, seen: Standing) -> tuple[list[Alarm], list[Alarm]]:
    """The alarms that stand, and those of them that are told now: an event each, in counts alone."""
    ledger, wall, limits = wired.warehouse.ledger, wired.wall(), wired.warehouse.policy.alarms
    found = alarms(watching.facts(seen), limits)
    now_told = untold(found, watching.told(ledger), wall, limits.remind)
    for alarm in now_told:
        emit_event(EVENT + alarm.kind, {"prefect.resource.id": f"relance.{alarm.what}", "prefect.resource.name": alarm.what},
                   payload={"value": alarm.value, "limit": alarm.limit, "meaning": alarm.meaning, "advice": alarm.advice})
    watching.remember(ledger, found, now_told, wall)
    return found, now_told


def _read(client: SyncPrefectClient, states: list[str], sort: FlowRunSort | None = None, **which: Any) -> list[Any]:
    return client.read_flow_runs(flow_run_filter=FlowRunFilter(state={"type": {"any_": states}}, **which), sort=sort, limit=200)


def _orphaned(client: SyncPrefectClient, there: list[Any]) -> set[UUID]:
    """Those of these runs that a worker has fetched and not started, when none of its pool's is online that was there then."""
    fetched = [run for run in there if run.state.type.value == "PENDING" and run.work_pool_name]
    began = {pool: [worker.created for worker in client.read_workers_for_work_pool(pool, worker_filter=ONLINE)]
             for pool in {run.work_pool_name for run in fetched}}
    return {run.id for run in fetched if all(run.state.timestamp < at for at in began[run.work_pool_name])}


def _own() -> UUID | None:
    context = FlowRunContext.get()
    return context.flow_run.id if context and context.flow_run else None


def _why(end: str) -> str:
    return ("Its process died with its worker; the next run does what is due." if end == "crashed"
            else f"It is {end} in the ledger; its process died before it could say so.")


def _naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)

