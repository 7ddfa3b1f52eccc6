"""What the scripts play on: one chain or several, a few contacts who have said yes to everything."""

from collections.abc import Callable
from pathlib import Path

import pytest

from marketing.chain import Chain
from tests.model.compared import both
from tests.model.facts import Contact
from tests.model.worlds import WILLING, Event, World


@pytest.fixture
def same(tmp_path: Path) -> Callable[..., dict]:
    """Plays a hand-written script in both, holds that the rows are the same, and returns them."""

    def play(chains: Chain | tuple[Chain, ...], *events: Event, contacts: tuple = (1,), outcomes=None, **more) -> dict:
        people = tuple(one if isinstance(one, Contact) else Contact(one, consents=WILLING) for one in contacts)
        several = chains if isinstance(chains, tuple) else (chains,)
        world = World(several, people, more.pop("at_most", 9), 7, outcomes or {}, events, **more)
        meant, found = both(world, tmp_path / "home")
        assert found == meant
        return found

    return play
