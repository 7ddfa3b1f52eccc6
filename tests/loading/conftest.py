"""A warehouse of a French house without VAT, and files written into a folder of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marketing.house import House, Vat
from marketing.policy import Policy
from tests.loading.told import AS_OF
from warehouse import Warehouse
from warehouse.loading import Report, load


@pytest.fixture
def warehouse(home: Path) -> Iterator[Warehouse]:
    """A house in Paris that counts in EUR, without VAT in its amounts."""
    house = House.read(home / "house.toml").model_copy(update={"vat": Vat(included=False)})
    opened = Warehouse.open(home, house, Policy.read(home / "policy.toml"))
    yield opened
    opened.close()


@pytest.fixture
def put(warehouse: Warehouse, tmp_path: Path) -> Callable[..., Report]:
    """Write a text (in UTF-8, unless bytes are given) and load it."""
    def write_and_load(kind: str, text: str | bytes, name: str | None = None, **settings) -> Report:
        path = tmp_path / (name or f"{kind}.csv")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(warehouse, kind, path, as_of=settings.pop("as_of", AS_OF), run="a run", **settings)

    return write_and_load


@pytest.fixture
def rows(warehouse: Warehouse) -> Callable[[str], list[tuple]]:
    """The answer of a query over the present moment, as tuples."""
    def ask(query: str) -> list[tuple]:
        with warehouse.snapshot() as snapshot:
            return [tuple(row.values()) for row in snapshot.sql(query).to_pylist()]

    return ask
