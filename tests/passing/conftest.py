"""A shop for each test."""

import pytest

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
