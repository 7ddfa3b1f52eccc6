"""A run kept in the ledger, past the workflow engine's own clean-up: who started what, and how it ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect.context import FlowRunContext

from outbox.wired import Wired
from tasks.telling import tell
from warehouse import runs

__all__ = ["recorded", "starter"]


def starter() -> str | None:
    """Who started the present flow run: the command line says so in a tag, schedules and automations are known to
    the workflow engine; None where nobody knows."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return None
    named = [tag.removeprefix("by:") for tag in context.flow_run.tags if tag.startswith("by:")]
    created_by = getattr(context.flow_run, "created_by", None)
    return named[0] if named else created_by and (created_by.display_value or created_by.type)


@contextmanager
def recorded(wired: Wired, kind: str, run: str, *, name: str | None = None, params: dict[str, Any] | None = None,
             by: str | None = None) -> Iterator[dict[str, Any]]:
    """Keep a run that belongs to no chain; what is put into the yielded dict is its summary."""
    warehouse, summary = wired.warehouse, {}
    runs.start(warehouse.ledger, run, name=name or kind, kind=kind, chain=None, params=params or {},
               as_of=warehouse.clock.now(), wall=wired.wall(), starter=by)
    try:
        yield summary
    except BaseException as error:
        runs.finish(warehouse.ledger, run, state="failed", summary={"error": str(error)}, wall=wired.wall())
        tell(kind, run=run, state="failed", error=error)
        raise
    runs.finish(warehouse.ledger, run, state="completed", summary=summary, wall=wired.wall())
    tell(kind, run=run, state="completed", summary=summary)
