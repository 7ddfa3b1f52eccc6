"""A shop to each test of the figures."""

from collections.abc import Callable

import pytest

from tests.marts.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def new_shop() -> Callable[[], Shop]:
    return Shop
