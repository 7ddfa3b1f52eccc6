"""A pass as a Prefect flow run, the same pass as a plain function, an empty flow run; and the hourly tick of ten chains."""

import shutil
import uuid
from datetime import timedelta
from pathlib import Path

import chains
from benchmarks import base
from benchmarks.passes import settle_home, wired

__all__ = ["as_flow", "as_function", "empty", "rest_home", "ten_chains", "tick"]

TEN = [f"steps_{number}" for number in range(10)]


def empty(meter, times: int = 1) -> None:
    """The empty flow, the first flow run of its process, and more of them."""
    import fastapi.encoders  # noqa: F401  loading modules is left out: Prefect loads it where a flow has parameters
    from benchmarks.floor.empty_flow import empty as flow

    with meter:
        for _ in range(times):
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


def ten_chains(_meter, folder: str) -> dict:
    """folder/ten: an hour after everybody has entered each of ten chains, with nobody due; returns how many stand in them."""
    home = f"{folder}/ten"
    shutil.copytree(f"{folder}/home", home)
    _write_ten(home)
    installation = wired(home)
    from flows.recipe import run_pass

    warehouse = installation.warehouse
    for hour in (1, 2):
        for name in TEN:
            run_pass(installation, name, run=str(uuid.uuid4()))
        warehouse.clock.advance(base.START + timedelta(hours=hour))
    with warehouse.snapshot() as snap:
        active = snap.sql("SELECT sum(contacts)::BIGINT AS active FROM enrolments_by_step WHERE NOT ended")
    return {"active": active["active"][0].as_py()}


def tick(meter, home: str) -> None:
    """A run of each of the ten chains, one after the other in one process, as one that serves them makes them."""
    copy = f"{home}_run"
    shutil.copytree(home, copy)
    settle_home(copy)
    chains.__path__.insert(0, f"{copy}/chains")
    import fastapi.encoders  # noqa: F401  as in `empty`
    from flows import by_chain

    flows = [getattr(by_chain, name) for name in TEN]
    with meter:
        for flow in flows:
            flow()
    shutil.rmtree(copy)


def _write_ten(home: str) -> None:
    """Ten copies of the three-step chain, by other names."""
    shipped = Path(__file__).parent / "chains" / "three_steps"
    for name in TEN:
        shutil.copytree(shipped, f"{home}/chains/{name}", ignore=shutil.ignore_patterns("__pycache__"))
        file = Path(home, "chains", name, "chain.py")
        file.write_text(file.read_text(encoding="utf-8").replace("three_steps", name), encoding="utf-8")
    chains.__path__.insert(0, f"{home}/chains")
