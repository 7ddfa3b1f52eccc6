"""A shop for each test."""

import pytest

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
