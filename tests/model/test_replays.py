"""Random chains, contacts and scripts: every pass of a world can be made again, row for row, whatever came after it."""

import shutil
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings

from flows.replaying import replay
from tests.model.engine_world import EngineWorld
from tests.model.worlds import World, happen, model_of, worlds
from warehouse.acts import replay as records
from warehouse.clock import wall
from warehouse.maintenance import fold_small, sweep

SETTINGS = {"suppress_health_check": list(HealthCheck), "phases": [Phase.explicit, Phase.generate], "deadline": None}


def replayed(world: World, home) -> tuple[int, list]:
    """How many passes of a world were recorded, and what differs of those made again: at its end, and after its parts
    were folded and what was replaced was swept."""
    shutil.rmtree(home, ignore_errors=True)
    model = model_of(world)
    with pytest.MonkeyPatch.context() as patch:
        engine = EngineWorld(world, home, patch)
        try:
            for event in world.events:
                engine.happen(event, happen(world, model, event))
            first, found = again(engine, "at_the_end")
            fold_small(engine.warehouse, run="fold", as_of=engine.warehouse.clock.now(), more_than=1)
            sweep(engine.warehouse, now=wall() + timedelta(days=2))
            second, after = again(engine, "after_maintenance")
        finally:
            engine.close()
    assert first == second
    return first, found + after


def again(engine: EngineWorld, when: str) -> tuple[int, list]:
    with engine.warehouse.ledger.read() as tx:
        runs = tx.execute(sa.select(records.c.run).distinct()).scalars().all()
    made = [(run, replay(engine.wired, run, run=f"{when}_{number}").compared) for number, run in enumerate(runs)]
    return len(runs), [(when, run, compared.shown, compared.verdicts) for run, compared in made if not compared.equal]


@settings(max_examples=3, **SETTINGS)
@given(world=worlds())
def test_random_worlds(tmp_path_factory, world):
    """Made again, a pass moves, plans and refuses what it did, also once its parts were folded and swept."""
    many, differing = replayed(world, tmp_path_factory.getbasetemp() / "replayed_world")

    assert (differing, many > 0) == ([], True)


@pytest.mark.prove
@settings(max_examples=20, derandomize=False, **SETTINGS)
@given(world=worlds())
def test_many_random_worlds(tmp_path_factory, world):
    """Made again, a pass moves, plans and refuses what it did, in worlds new each time."""
    assert replayed(world, tmp_path_factory.getbasetemp() / "one_of_many_replayed")[1] == []
