"""A run kept in the ledger, past the workflow engine's own clean-up: who started what, and how it ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect.context import FlowRunContext

from marketing.naming import marked
from outbox.wired import Wired
from tasks.telling import tell
from warehouse import runs
from warehouse.journal import TYPED, Who, note
from warehouse.noticing import notice

__all__ = ["noted", "recorded", "starter", "who"]

#: What starts runs by itself: they are no acts of a person.
_MACHINES = ("AUTOMATION", "DEPLOYMENT", "SCHEDULE")
_WAKE = "wake-up"


def starter() -> str | None:
    """Who started the present flow run: the command line says so in a tag, schedules and automations are known to
    the workflow engine; None where nobody knows."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return None
    named = [tag.removeprefix("by:") for tag in context.flow_run.tags if tag.startswith("by:")]
    created_by = getattr(context.flow_run, "created_by", None)
    return named[0] if named else created_by and (created_by.display_value or created_by.type)


def who(by: str | None) -> Who | None:
    """The person who started the present run: by the login of a command, or somebody at the form of the workflow engine,
    which knows no persons. None for a schedule, an automation or a wake-up, and where nobody knows."""
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None or any(tag.startswith("by:") for tag in run.tags):
        return Who(by) if by and by != _WAKE else None
    created_by = getattr(run, "created_by", None)
    if run.deployment_id is None or run.auto_scheduled or (created_by and created_by.type in _MACHINES):
        return None
    return Who(by or "somebody at the form", TYPED)


def noted(wired: Wired, by: str | None, act: str, what: dict[str, Any]) -> None:
    """Write an act of whoever started the present run into the journal; what a schedule does is none."""
    if person := who(by):
        note(wired.warehouse.ledger, person, act, what, now=wired.warehouse.clock.now())


@contextmanager
def recorded(wired: Wired, kind: str, run: str, *, name: str | None = None, params: dict[str, Any] | None = None,
             by: str | None = None) -> Iterator[dict[str, Any]]:
    """Keep a run that belongs to no chain; what is put into the yielded dict is its summary."""
    warehouse, summary, person = wired.warehouse, {}, who(by)
    notice(warehouse, person, now=warehouse.clock.now())
    name = marked(name or kind, warehouse.house.environment)
    runs.start(warehouse.ledger, run, name=name, kind=kind, chain=None, params=params or {},
               as_of=warehouse.clock.now(), wall=wired.wall(), starter=by, who=person)
    try:
        yield summary
    except BaseException as error:
        runs.finish(warehouse.ledger, run, state="failed", summary={"error": str(error)}, wall=wired.wall())
        tell(kind, run=run, state="failed", error=error)
        raise
    runs.finish(warehouse.ledger, run, state="completed", summary=summary, wall=wired.wall())
    tell(kind, run=run, state="completed", summary=summary)
