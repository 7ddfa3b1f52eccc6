"""Wake: a chain is passed again at its moment, or at once through an event; a failure to do so stops nothing."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext
from prefect.deployments.flow_runs import run_deployment
from prefect.events import emit_event
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_logger

from marketing.chain import Chain
from marketing.waking import SURELY, next_wake
from outbox.wired import Wired

__all__ = ["HANDED_OVER", "HEARD", "deployed", "emit", "plan", "resource"]

#: Responses were listed that somebody waits for an answer to; contacts were handed over.
HEARD, HANDED_OVER = "relance.response", "relance.handover"


def resource(chain: str) -> str:
    """The name under which events speak of a chain."""
    return f"relance.chain.{chain}"


def deployed() -> UUID | None:
    """The deployment of the present flow run; None where there is no flow run, or it belongs to none."""
    context = FlowRunContext.get()
    return context.flow_run.deployment_id if context and context.flow_run else None


def emit(event: str, chain: str, counts: Mapping[str, int]) -> None:
    """Say that something happened which concerns a chain, in numbers alone; outside a flow run nobody is told."""
    if FlowRunContext.get() is None:
        return
    with _spared(f"{event} of {chain} was not told"):
        emit_event(event, {"prefect.resource.id": resource(chain), "prefect.resource.name": chain}, payload=dict(counts))


def plan(wired: Wired, chain: Chain, due: datetime | None, *, news: bool = False) -> datetime | None:
    """Schedule a pass of the chain by its deployment, by the rule of marketing.waking; returns when, or None.

    From a run of its own deployment that one is scheduled, from any other the one that bears the chain's name. One that
    is paused is left alone.
    """
    rule = partial(next_wake, wired.wall(), due, chain.wake_every, wired.warehouse.house.zone, news=news)
    if deployed() is None or rule() is None:
        return None
    with _spared(f"no pass of {chain.name} could be scheduled"), get_client(sync_client=True) as client:
        deployment, after = _deployment(client, chain.name)
        if deployment and not deployment.paused:
            when = rule(after=after, planned=_planned(client, deployment.id, wired.wall()))
            if when:
                run_deployment(deployment.id, scheduled_time=when.replace(tzinfo=UTC), timeout=0, as_subflow=False,
                               idempotency_key=f"wake:{chain.name}:{when.isoformat()}", tags=["by:wake-up"])
            return when
    return None


def _deployment(client: SyncPrefectClient, chain: str) -> tuple[Any, datetime | None]:
    """The chain's deployment, None where it has none, and for when the present run was scheduled if it is one of it."""
    run = FlowRunContext.get().flow_run
    if FlowRunContext.get().flow.name == chain:
        return client.read_deployment(run.deployment_id), _naive(run.expected_start_time)
    try:
        return client.read_deployment_by_name(f"{chain}/{chain}"), None
    except ObjectNotFound:
        return None, None


def _planned(client: SyncPrefectClient, deployment: UUID, now: datetime) -> list[datetime]:
    """For when the next run of a deployment is scheduled: one at most."""
    runs = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            deployment_id={"any_": [deployment]}, state={"type": {"any_": ["SCHEDULED"]}},
            next_scheduled_start_time={"after_": (now - SURELY).replace(tzinfo=UTC)}),
        sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC, limit=1)
    return [_naive(run.next_scheduled_start_time) for run in runs]


def _naive(instant: datetime | None) -> datetime | None:
    return instant and instant.astimezone(UTC).replace(tzinfo=None)


@contextmanager
def _spared(told: str) -> Iterator[None]:
    """Go on whatever happens, with a line in the log: the schedule does what was not planned or told."""
    try:
        yield
    except Exception as error:  # a server that is away, and all that an answer of it can be
        get_logger("relance.wake").warning("%s, the schedule will do it: %s", told, error)
