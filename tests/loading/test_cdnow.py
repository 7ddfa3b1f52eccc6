"""The real purchases of the demo, and the world invented around them, load like anybody's files."""

import gzip
import hashlib
import time
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from demo.world import ORDERS, invent, purchases
from marketing.house import House, Vat
from marketing.policy import Policy
from tests.loading.told import counts
from warehouse import Warehouse
from warehouse.loading import load


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return invent(tmp_path_factory.mktemp("world"), seed=0)


@pytest.fixture(scope="module")
def shop(tmp_path_factory, world):
    """An American house with the world loaded; with the reports of the loads."""
    home = tmp_path_factory.mktemp("home")
    root = Path(__file__).resolve().parents[2]
    house = House.read(root / "house.toml").model_copy(
        update={"vat": Vat(included=False), "currency": "USD", "country": "US", "zone": "America/New_York"})
    warehouse = Warehouse.open(home, house, Policy.read(root / "policy.toml"))
    reports = {kind: load(warehouse, kind, getattr(world, kind), as_of=datetime(1997, 10, 1), run="set up")
               for kind in ("contacts", "consents", "orders")}
    yield warehouse, reports
    warehouse.close()


def ask(warehouse: Warehouse, query: str) -> list[tuple]:
    with warehouse.snapshot() as snapshot:
        return [tuple(row.values()) for row in snapshot.sql(query).to_pylist()]


def test_source():
    """The data file is the published one, byte for byte."""
    digest = hashlib.sha256(gzip.decompress(ORDERS.read_bytes())).hexdigest()
    assert digest in (ORDERS.parent / "SOURCE.md").read_text()


def test_orders(shop):
    """69,659 lines of 23,570 customers for 2,500,315.63 USD, 80 of them of nothing, 255 equal to another."""
    warehouse, reports = shop

    assert counts(reports["orders"]) == {"read": 69_659, "new": 69_659, "changed": 0, "unchanged": 0, "repeated": 0,
                                         "rejected": 0}
    assert ask(warehouse, """
        SELECT count(*), count(DISTINCT contact_id), sum(amount), count(*) FILTER (amount = 0),
               count(*) - count(DISTINCT (contact_id, ordered_at, quantity, amount)),
               count(DISTINCT (order_id, line_id))
        FROM orders""") == [(69_659, 23_570, Decimal("2500315.63"), 80, 255, 69_659)]
    assert ask(warehouse, "SELECT min(ordered_at), max(ordered_at) FROM orders") == [
        (datetime(1997, 1, 1, 5), datetime(1998, 6, 30, 4))]


def test_orders_again(shop):
    """Loading the purchases again changes nothing, and says so."""
    report = load(shop[0], "orders", ORDERS, as_of=datetime(1997, 10, 2), run="again")

    assert (report.new, report.changed, report.unchanged) == (0, 0, 69_659)
    assert "0 new, 0 changed, 69,659 already known, 0 rejected" in str(report)


def test_purchases_by_day(shop, tmp_path):
    """Cut by day, the purchases are the same lines: loading them so after all the rest adds none."""
    half, rest = tmp_path / "half.txt", tmp_path / "rest.txt"
    written = purchases(half, after=None, upto=date(1997, 9, 30)), purchases(rest, after=date(1997, 9, 30), upto=date(1998, 6, 30))
    reports = [load(shop[0], "orders", path, as_of=datetime(1998, 7, 1), run="cut", confirm=True) for path in (half, rest)]

    assert sum(written) == 69_659
    assert [(report.new, report.unchanged) for report in reports] == [(0, many) for many in written]


def test_the_invented_world(shop):
    """Every customer is a contact created before the first purchase; no address can reach anybody."""
    warehouse, reports = shop

    assert counts(reports["contacts"]) == {"read": 23_570, "new": 23_570, "changed": 0, "unchanged": 0, "repeated": 0,
                                           "rejected": 0}
    assert reports["contacts"].attributes == {"favourite_genre": "text", "store_card": "boolean", "distance_km": "decimal"}
    assert reports["consents"].rejected == 0
    ages = ask(warehouse, """
        SELECT min(first_at - created_at), max(first_at - created_at)
        FROM contacts JOIN (SELECT contact_id, min(ordered_at) AS first_at FROM orders GROUP BY ALL) USING (contact_id)""")
    assert [tuple(round(age.nanoseconds / 86.4e12) + age.days for age in row) for row in ages] == [(1, 60)]
    assert ask(warehouse, """
        SELECT count(*) FROM contacts
        WHERE NOT regexp_full_match(email, '.*@example\\.(com|net|org)') OR NOT regexp_full_match(phone, '\\+1\\d{3}55501\\d{2}')
           OR length(postcode) <> 5""") == [(0,)]


def test_a_world_is_its_seed(world, tmp_path):
    """The same seed writes the same bytes, another seed others; and it takes less than two seconds of CPU."""
    began = time.process_time()
    again = invent(tmp_path / "again", seed=0)
    assert timedelta(seconds=time.process_time() - began) < timedelta(seconds=2)
    other = invent(tmp_path / "other", seed=1)

    assert again.contacts.read_bytes() == world.contacts.read_bytes()
    assert again.consents.read_bytes() == world.consents.read_bytes()
    assert other.contacts.read_bytes() != world.contacts.read_bytes()
