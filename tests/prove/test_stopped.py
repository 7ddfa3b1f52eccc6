"""A process that sleeps past its lease and wakes after another has done its work: it harms nothing."""

import os
import signal
import time

import pytest

from tests.prove.laws import hold, state

pytestmark = [pytest.mark.prove, pytest.mark.timeout(1200), pytest.mark.xdist_group("prove_worlds")]

LEASE = 1.0
PLACES = ("commit.before_parts", "commit.parts_sealed", "pass.wave_reserved", "fold.before_commit", "collect.before_commit",
          "collect.before_clearing", "send.settled")
CASES = [(place, "idempotent") for place in PLACES] + [
    (place, connector) for place in ("send.claimed", "send.handed_over") for connector in ("idempotent", "lookup", "neither")]


def _asleep(pid: int) -> bool:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize(("place", "connector"), CASES)
def test_stopped_past_its_lease(place, connector, depart, undisturbed, note):
    """Who is stopped at a place, and woken when its lease is over and its work done, changes nothing any more.

    Its run is started again in between, as a workflow engine does with a run it has not heard of.
    """
    world = depart(connector, lease=LEASE)
    tasks = undisturbed.days[0]
    sleeper = world.start(tasks, failpoint=f"{place}:1:stop")
    while not _asleep(sleeper.process.pid):
        assert sleeper.process.is_alive(), f"nobody ever reached {place}"
        time.sleep(0.02)
    world.counts.kills += 1
    time.sleep(LEASE + 0.2)

    world.run(tasks)
    os.kill(sleeper.process.pid, signal.SIGCONT)
    world.finish(sleeper)

    numbers = hold(world)
    note("stopped past its lease, then woken", f"{place}, {connector}", numbers)
    if numbers["unknown"] == 0:
        assert state(world) == undisturbed.states[0]
