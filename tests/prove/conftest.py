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
    """The world in which nobody dies, at the moment from which others depart and at its end."""

    def __init__(self, folder):
        days = calendar_of(*CHAINS)
        self.world = World(folder / "undisturbed", Setup())
        for tasks in days[:FROM]:
            self.world.run(tasks)
        self.then = World(folder / "then", self.world.setup, copy_of=self.world)
        for tasks in days[FROM:]:
            self.world.run(tasks)
        self.numbers = hold(self.world)
        self.state = state(self.world)
        self.days = days[FROM:]


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
