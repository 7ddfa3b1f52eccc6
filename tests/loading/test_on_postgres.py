"""Loads into a ledger on PostgreSQL do what they do on SQLite."""

import pytest
import sqlalchemy as sa

from marketing.house import House
from marketing.policy import Policy
from tests.loading.told import AS_OF, counts
from warehouse import Warehouse
from warehouse.loading import load


@pytest.fixture
def shared(home, postgres_url):
    """A warehouse whose ledger is a PostgreSQL database of its own."""
    server = sa.make_url(postgres_url)
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as tx:
        tx.execute(sa.text("CREATE DATABASE loading"))
    engine.dispose()
    url = server.set(database="loading").render_as_string(hide_password=False)
    warehouse = Warehouse.open(home, House.read(home / "house.toml"), Policy.read(home / "policy.toml"), url)
    yield warehouse
    warehouse.close()


@pytest.mark.xdist_group("postgres")
def test_on_postgres(shared, tmp_path):
    """New, changed and known rows, held files and unconfirmed sources, on the other ledger."""
    def put(kind: str, text: str, **settings):
        path = tmp_path / f"{kind}.csv"
        path.write_text(text, encoding="utf-8")
        return load(shared, kind, path, as_of=AS_OF, run="a run", **settings)

    many = "id;nom\n" + "".join(f"{i};N{i}\n" for i in range(400))
    assert counts(put("contacts", many))["new"] == 400
    assert put("contacts", many.replace("N7\n", "Sept\n")).changed == 1
    assert put("contacts", many[:1000]).held
    assert counts(put("orders", "client;date;montant\n7;2026-01-02;12\n7;2026-01-02;12\n"))["new"] == 2
    assert put("orders", "client;date;montant\n7;2026-01-02;12\n7;2026-01-02;12\n999;2026-01-02;1\n").confirmed is False
    with shared.snapshot() as snapshot:
        assert snapshot.sql("SELECT client_id, last_name, count(*) AS lines FROM contacts JOIN orders USING (contact_id) "
                            "GROUP BY ALL").to_pylist() == [{"client_id": "7", "last_name": "Sept", "lines": 2}]
    with shared.ledger.read() as tx:
        assert tx.execute(sa.text("SELECT source, rows, rejected, confirmed FROM source ORDER BY id")).all() == [
            ("contacts", 400, 0, True), ("contacts", 400, 0, True), ("orders", 2, 0, True), ("orders", 3, 1, False)]
