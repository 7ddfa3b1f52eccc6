"""What the proofs share: the undisturbed world up to a moment, and the table of counts at the end."""

from collections import defaultdict
from dataclasses import replace

import pytest

from tests.prove.laws import hold, state, table
from tests.prove.world import MOMENTS, Setup, World, calendar_of

CHAINS = ("spiral", "landing")
#: The disturbed worlds begin as a copy of the undisturbed one at this moment: everything happens after it.
FROM = len(MOMENTS) - 2
_COUNTS: dict[str, dict[str, dict[str, int]]] = defaultdict(dict)


class Undisturbed:
    """The world in which nobody dies: `then`, from where others depart, the `days` after it, and the `states` they end in."""

    def __init__(self, folder):
        days = calendar_of(*CHAINS)
        self.world = World(folder / "undisturbed", Setup())
        for tasks in days[:FROM]:
            self.world.run(tasks)
        self.then = World(folder / "then", self.world.setup, copy_of=self.world)
        self.days, self.states = days[FROM:], []
        for tasks in self.days:
            self.world.run(tasks)
            self.states.append(state(self.world))
        self.numbers = hold(self.world)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Undisturbed:
    made = Undisturbed(tmp_path_factory.mktemp("prove"))
    _COUNTS["worlds"]["undisturbed"] = made.numbers
    return made


@pytest.fixture
def depart(undisturbed, tmp_path):
    """A copy of the undisturbed world before its last days, with another connector perhaps."""
    def make(connector: str = "idempotent", **more) -> World:
        return World(tmp_path / "world", replace(undisturbed.world.setup, connector=connector, **more), copy_of=undisturbed.then)

    return make


@pytest.fixture
def note(request):
    """Keep the numbers of a world for the table at the end."""
    return lambda title, label, numbers: _COUNTS[title].__setitem__(label, numbers)


def pytest_terminal_summary(terminalreporter) -> None:
    for title, rows in _COUNTS.items():
        terminalreporter.section(f"proved: {title}")
        terminalreporter.write_line(table(title, rows))
