"""A world through the slow model and through the engine, as relations that must be the same."""

import shutil
from pathlib import Path

import pytest

from tests.model.engine_world import EngineWorld
from tests.model.interpreter import Model
from tests.model.worlds import World, happen, model_of

__all__ = ["both"]

#: Of a wait and of an end the due time says when the engine wakes, which is no part of the meaning.
UNTIMED = ("wait", "end")


def meant_by(model: Model) -> dict[str, list[tuple]]:
    """The relations of the slow model, by contact: (chain, contact, ...), without the numbers of waves."""
    return {
        "moves": [(m.chain, m.contact, *m[3:]) for m in model.moves],
        "touches": [(t.chain, t.contact, *t[3:]) for t in model.touches()],
        "refusals": [(r.chain, r.contact, *r[3:]) for r in model.refusals],
    }


def both(world: World, home: Path) -> tuple[dict, dict]:
    """What the slow model and the engine make of a world, as sorted relations."""
    shutil.rmtree(home, ignore_errors=True)
    model = model_of(world)
    with pytest.MonkeyPatch.context() as patch:
        engine = EngineWorld(world, home, patch)
        try:
            for event in world.events:
                engine.happen(event, happen(world, model, event))
            found = engine.relations()
        finally:
            engine.close()
    untimed = {(name, step.name) for name, graph in model.graphs.items() for step in graph.steps if step.kind in UNTIMED}
    return _sorted(meant_by(model), untimed), _sorted(found, untimed)


def _sorted(relations: dict[str, list[tuple]], untimed: set) -> dict[str, list[str]]:
    moves = [(*m[:7], None, m[8]) if (m[0], m[4]) in untimed else m for m in relations["moves"]]
    return {name: sorted(map(str, rows)) for name, rows in {**relations, "moves": moves}.items()}
