"""Chains, contacts and scripts through the slow model and through the engine: the same moves, touches and refusals."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from marketing.chain import CLICKED, Chain, Delay, Exit, GoTo, Split, WaitFor, days, minutes
from tests.model.engine_world import EngineWorld
from tests.model.examples import day, offer, small_chain, thanks
from tests.model.facts import Contact
from tests.model.interpreter import Model
from tests.model.worlds import Event, World, happen, model_of, worlds

#: Of a wait and of an end the due time says when the engine wakes, which is no part of the meaning.
UNTIMED = ("wait", "end")
SETTINGS = {"suppress_health_check": list(HealthCheck), "phases": [Phase.explicit, Phase.generate], "deadline": None}


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


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world") / "home"


@pytest.fixture
def same(home: Path) -> Callable[..., None]:
    """Plays a hand-written script of one chain in both, and holds that the rows are the same."""

    def play(chain: Chain, *events: Event, contacts: tuple[int, ...] = (1,), outcomes=None) -> None:
        world = World((chain,), tuple(map(Contact, contacts)), 9, 7, outcomes or {}, events)
        meant, found = both(world, home)
        assert found == meant

    return play


def passing(moment, *people: int, **groups) -> Event:
    return Event(moment, "pass", "winter", people, {"gold": (), "silver": ()} | groups)


def drain(moment) -> Event:
    return Event(moment, "drain")


def test_goto_behind_a_send(same):
    """The bound of a GoTo holds whatever step it follows: a Send, a branch of a Split."""
    chain = small_chain(offer("ask"), Split("who", {"gold": []}, [offer("more"), GoTo("ask", at_most=2)]),
                        GoTo("who", at_most=2, then=[Exit("enough")]), enrol_every=minutes(1))

    same(chain, *[passing(day(n), 1, 16, gold=(16,)) for n in range(4)], contacts=(1, 16))


def test_at_latest_of_each(same):
    """Each touch of a batch has its own latest moment: one that is stale takes no other with it."""
    chain = small_chain(Split("who", {"gold": [Delay(days(2))], "silver": []}), offer("ask", at_latest=days(3)),
                        WaitFor("answer", days(1), {CLICKED: []}), enrol_every=minutes(1))

    same(chain, passing(day(0), 1, gold=(1,)), passing(day(4), 1, 2, silver=(2,)), drain(day(6)), passing(day(8)),
         contacts=(1, 2))


def test_suppressed_at_once(same):
    """A suppression listed between two passes of one moment ends the enrolment in the second."""
    chain = small_chain(WaitFor("listen", days(1), {CLICKED: []}), thanks("bye"), enrol_every=minutes(1))

    same(chain, passing(day(0), 1), Event(day(0), "suppression", people=(1,), lasts=timedelta(days=1)), passing(day(0), 1))


@settings(max_examples=8, **SETTINGS)
@given(world=worlds())
def test_random_worlds(tmp_path_factory, world):
    """The engine moves, plans and refuses exactly what the meaning of the grammar says."""
    meant, found = both(world, tmp_path_factory.getbasetemp() / "random_world")

    assert found == meant


@pytest.mark.prove
@settings(max_examples=200, derandomize=False, **SETTINGS)
@given(world=worlds())
def test_many_random_worlds(tmp_path_factory, world):
    """The engine moves, plans and refuses exactly what the meaning of the grammar says, in worlds new each time."""
    meant, found = both(world, tmp_path_factory.getbasetemp() / "one_of_many_worlds")

    assert found == meant
