"""A shop for each test."""

import pytest

from tests.passing import remade
from tests.passing.changing import Changing, peopled
from tests.passing.shop import Shop


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """`shop(chain, …)` opens a shop with these chains; closed at the end."""
    opened = []

    def opening(*chains, **settings) -> Shop:
        opened.append(Shop(tmp_path, monkeypatch, *chains, **settings))
        return opened[-1]

    yield opening
    for one in opened:
        one.warehouse.close()


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """A home where somebody stands at every step of a chain."""
    home = tmp_path_factory.mktemp("filled")
    peopled(home)
    return home


@pytest.fixture
def here(filled, tmp_path, monkeypatch):
    """The shop of a copy of that home, on its Sunday."""
    changing = Changing(tmp_path / "home", filled, monkeypatch)
    yield changing
    changing.warehouse.close()


@pytest.fixture(scope="session")
def season(tmp_path_factory):
    """Two weeks of three chains, to be made again pass by pass; who changes anything makes one of its own."""
    with pytest.MonkeyPatch.context() as patch:
        here = remade.season(tmp_path_factory.mktemp("season"), patch)
    yield here
    here.warehouse.close()
