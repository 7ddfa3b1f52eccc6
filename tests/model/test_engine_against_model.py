"""Random chains, contacts and scripts through the slow model and through the engine: the same moves, touches and refusals."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.model.compared import both
from tests.model.worlds import worlds

SETTINGS = {"suppress_health_check": list(HealthCheck), "phases": [Phase.explicit, Phase.generate], "deadline": None}


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
