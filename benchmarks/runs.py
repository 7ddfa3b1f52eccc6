"""A pass as a Prefect flow run, the same pass as a plain function, and an empty flow run."""

import shutil
import uuid
from datetime import timedelta

from benchmarks import base
from benchmarks.passes import settle_home, wired

__all__ = ["as_flow", "as_function", "empty", "rest_home"]


def empty(meter) -> None:
    """The empty flow, the first flow run of its process."""
    import fastapi.encoders  # noqa: F401  loading modules is left out: Prefect loads it where a flow has parameters
    from benchmarks.floor.empty_flow import empty as flow

    with meter:
        flow()


def as_flow(meter, home: str) -> dict:
    """The chain's next pass as a flow run, over a copy of `home`; returns how many task runs it made."""
    copy = f"{home}_run"
    shutil.copytree(home, copy)
    settle_home(copy)
    import fastapi.encoders  # noqa: F401  as in `empty`
    from flows import by_chain, recipe

    tasks, do = [], recipe.do
    recipe.do = lambda task, *args, **more: (tasks.append(task.name), do(task, *args, **more))[1]
    flow = by_chain.three_steps
    with meter:
        flow()
    shutil.rmtree(copy)
    return {"tasks": len(tasks)}


def as_function(meter, home: str) -> None:
    """The same pass without Prefect's engine, and the drawing of the figures that a flow run publishes."""
    copy = f"{home}_run"
    shutil.copytree(home, copy)
    settle_home(copy)
    from flows import by_chain, recipe, wiring

    assert by_chain.three_steps  # what the flow has loaded, this has loaded
    run = str(uuid.uuid4())
    with meter:
        recipe.run_pass(wiring.wired(), "three_steps", run=run)
    with meter:
        from reports import passes  # where the flow's own task loads it

        passes.told(wiring.wired().warehouse, "three_steps", run, "measured")
    shutil.rmtree(copy)


def rest_home(_meter, folder: str) -> None:
    """folder/rest: the base an hour after its first pass, with everybody at a step and nobody due."""
    shutil.copytree(f"{folder}/home", f"{folder}/rest")
    installation = wired(f"{folder}/rest")
    from flows.recipe import run_pass

    run_pass(installation, "three_steps", run=str(uuid.uuid4()))
    installation.warehouse.clock.advance(base.START + timedelta(hours=1))
    run_pass(installation, "three_steps", run=str(uuid.uuid4()))
    installation.warehouse.clock.advance(base.START + timedelta(hours=2))
