"""What is watched and withdrawn, on PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketing.alarms import alarms
from tests.passing.shop import START, one_send
from warehouse import outbox, watching
from warehouse.withdrawing import cancel_run


@pytest.fixture
def database(postgres_url):
    server = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as tx:
        tx.execute(sa.text("CREATE DATABASE watched"))
    yield sa.make_url(postgres_url).set(database="watched").render_as_string(hide_password=False)
    server.dispose()


@pytest.mark.xdist_group("postgres")
def test_on_postgres(shop, database):
    """Stuck touches are told, and those of a cancelled run are withdrawn and claimed by nobody."""
    shop = shop(one_send(), url=database)
    shop.wired = replace(shop.wired, send_for=0.0)
    shop.contacts(*({"contact_id": number} for number in (1, 2, 3)))
    shop.passes("hello")
    shop.warehouse.clock.advance(START + timedelta(hours=3))
    ledger, now, wall = shop.warehouse.ledger, shop.warehouse.clock.now(), shop.wired.wall()
    seen = watching.look(shop.warehouse, shop.connectors, {}, wall)
    found = alarms(watching.facts(seen), shop.warehouse.policy.alarms)
    watching.remember(ledger, found, found, wall)

    assert [(alarm.kind, alarm.value) for alarm in found] == [("stuck_touches", "3 touches")]
    assert list(watching.told(ledger)) == [found[0].key]
    assert [(row["chain"], row["completed"]) for row in seen.runs] == [("hello", 1)]
    assert (cancel_run(ledger, "run-1", now=now, wall=wall), cancel_run(ledger, "run-1", now=now, wall=wall)) == (3, 0)
    assert outbox.claim(ledger, "mail", owner="me", now=now, wall=wall, most=9) == [] and outbox.open_batches(ledger) == {}
