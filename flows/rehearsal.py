"""A pass as a run asks for it: made in earnest, or rehearsed on a branch that is dropped afterwards."""

from typing import Any

from flows import recipe
from marketing.options import RunOptions
from marketing.summary import Summary
from tasks import recording
from tasks.rehearsing import on_a_branch

__all__ = ["asked_for"]


def asked_for(wired, name: str, params, options: RunOptions, *, run: str, run_name: str | None = None,
              starter: str | None = None, **told: Any) -> Summary:
    """Make the pass, or only tell what it would do: who would enter and move, what would be planned and refused."""
    by = {"run": run, "run_name": run_name, "starter": starter}
    if not options.rehearse:
        return recipe.run_pass(wired, name, params, options, **by, **told)
    asked = params.model_dump(mode="json") | options.model_dump(mode="json", exclude_defaults=True)
    with recording.recorded(wired, "rehearsal", run, name=run_name, params=asked, by=starter) as kept:
        with on_a_branch(wired, run) as stage:
            summary = recipe.run_pass(stage, name, params, options, **by, **told)
        kept.update(summary.to_json())
    return summary
