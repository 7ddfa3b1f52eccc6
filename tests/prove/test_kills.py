"""kill -9 at every named place, and at random times: nothing is lost and nothing happens twice."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.prove.laws import hold, state
from tests.prove.world import random_times
from warehouse.failpoints import FAILPOINTS

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.prove, pytest.mark.timeout(1200), pytest.mark.xdist_group("prove_worlds")]

#: The n-th time that each process, one after the other, reaches the place.
TIMES = (1, 1, 2, 5)
#: What is at stake while a message is with the provider depends on what the provider can do.
CASES = [(place, "idempotent") for place in FAILPOINTS] + [
    (place, connector) for place in FAILPOINTS if place.startswith("send.") for connector in ("lookup", "neither")]


@pytest.mark.parametrize(("place", "connector"), CASES)
def test_killed_at_a_named_place(place, connector, depart, undisturbed, note):
    """Killed wherever it may be, a process that is started again ends in the world in which nobody died.

    With a provider that neither takes a key twice as one nor can be asked, what was in flight is unknown, and
    said so; then nobody answers what never came, and only the laws are the same.
    """
    world = depart(connector)
    world.run(undisturbed.days[0], failpoints=[f"{place}:{time}" for time in TIMES])

    numbers = hold(world)
    note("killed at a named place", f"{place}, {connector}", numbers)
    assert world.counts.kills > 0, f"nobody ever reached {place}"
    if numbers["unknown"] == 0:
        assert state(world) == undisturbed.states[0]


#: Seconds; a process of these worlds lives for some.
LONGEST = 2.0
MANY = 12


@pytest.mark.parametrize("connector", ["idempotent", "lookup", "neither"])
@pytest.mark.parametrize("company", ["one chain", "four chains", "the same chain twice"])
def test_killed_at_random_times(company, connector, depart, undisturbed, note):
    """Whenever processes die, alone or beside others, the laws hold once others have done their work.

    Alone, the world is the undisturbed one again; side by side, chains share out the caps in the order in
    which they come, so that only the laws are the same.
    """
    world = depart(connector)
    clocks = iter(random_times(f"{company}/{connector}", MANY, LONGEST))
    for tasks in undisturbed.days:
        first, passes, sending, rest = _parted(tasks)
        if company == "one chain":
            world.run(tasks, timers=clocks)
            continue
        world.run(first)
        if company == "four chains":
            passes += [("pass", chain, f"{chain}-{passes[0][2]}") for chain in ("newsletter_monthly", "reactivate_lapsed")]
            lanes = [[one] for one in passes]
        else:
            lanes = [passes, [(verb, chain, f"{run}-again", *more) for verb, chain, run, *more in passes]]
        world.run(*lanes, *([("send", f"{run}-{n}")] for verb, run in sending for n in range(2)), timers=clocks)
        world.run(sending + rest)

    numbers = hold(world)
    note("killed at random times", f"{company}, {connector}", numbers)
    assert world.counts.kills > 0
    if company == "one chain" and numbers["unknown"] == 0:
        assert state(world) == undisturbed.states[-1]


def _parted(tasks: list[tuple]) -> tuple[list, list, list, list]:
    """What must come first, the passes, the sending, and what comes after it."""
    by_verb = {verb: [task for task in tasks if task[0] == verb] for verb in ("clock", "answer", "pass", "send", "maintain")}
    return by_verb["clock"] + by_verb["answer"], by_verb["pass"], by_verb["send"], by_verb["maintain"]


def test_a_process_of_its_own_dies_where_the_environment_says(depart, undisturbed):
    """RELANCE_FAILPOINT ends a process by SIGKILL at the place it names; a name that does not exist is an error."""
    world = depart()
    given = json.dumps({"tasks": undisturbed.days[0], "environ": world.setup.environ})
    command = [sys.executable, "-m", "tests.prove.worker", str(world.home), given]

    ends = [subprocess.run(command, cwd=ROOT, env=os.environ | {"RELANCE_FAILPOINT": name}, capture_output=True).returncode
            for name in ("commit.in_transaction", "no.such_place")]

    assert ends == [-signal.SIGKILL, 1]
