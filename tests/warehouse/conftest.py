"""Warehouses for the tests of state: on SQLite and, where the ledger matters, on PostgreSQL too."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from marketing.house import House
from marketing.policy import Policy
from warehouse import Warehouse

_numbers = count()


@pytest.fixture
def new_database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes an empty PostgreSQL database; returns its URL."""
    server = sa.make_url(request.getfixturevalue("postgres_url"))

    def make() -> str:
        name = f"ledger_{next(_numbers)}"
        engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as tx:
            tx.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return server.set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.xdist_group("postgres"))])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a ledger that does not exist yet, on each database in turn."""
    if request.param == "postgres":
        return request.getfixturevalue("new_database")()
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


@pytest.fixture
def opened(home: Path) -> Iterator[Callable[..., Warehouse]]:
    """Opens warehouses of the test's home; closes them at the end. Slices hold 1,024 contacts."""
    warehouses = []

    def open_warehouse(ledger_url: str | None = None, **settings) -> Warehouse:
        house, policy = House.read(home / "house.toml"), Policy.read(home / "policy.toml")
        warehouses.append(Warehouse.open(home, house, policy, ledger_url, **{"slice_bits": 10} | settings))
        return warehouses[-1]

    yield open_warehouse
    for warehouse in warehouses:
        warehouse.close()


@pytest.fixture
def wh(opened, ledger_url: str) -> Warehouse:
    """An empty warehouse at 1 March 2026, on each kind of ledger in turn."""
    warehouse = opened(ledger_url)
    warehouse.clock.simulate(datetime(2026, 3, 1))
    return warehouse


@pytest.fixture
def local(opened) -> Warehouse:
    """An empty warehouse at 1 March 2026 on SQLite, where the kind of ledger does not matter."""
    warehouse = opened()
    warehouse.clock.simulate(datetime(2026, 3, 1))
    return warehouse
