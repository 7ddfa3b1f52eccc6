"""Changing and pausing a chain where the ledger is a PostgreSQL database."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from flows import recipe
from flows.send import drain
from marketing.chain import days
from marketing.graph import compile
from tasks.migrate import migrate_chain
from tests.passing.shop import START
from tests.passing.test_migrating import CALLS
from warehouse.impact import impact
from warehouse.migrating import Moved
from warehouse.pausing import pause, pauses, resume


@pytest.fixture
def database(postgres_url):
    """An empty database, gone at the end."""
    server = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as tx:
        tx.execute(sa.text("CREATE DATABASE changes"))
    yield sa.make_url(postgres_url).set(database="changes").render_as_string(hide_password=False)
    with server.connect() as tx:
        tx.execute(sa.text("DROP DATABASE changes WITH (FORCE)"))
    server.dispose()


@pytest.mark.xdist_group("postgres")
def test_the_same_on_postgres(shop, database, monkeypatch):
    """A pause holds the batches back, the impact is told, and everybody moves along once."""
    here = shop(CALLS, url=database)
    here.wired = replace(here.wired, send_for=0)
    here.contacts({"contact_id": 1}, {"contact_id": 2})
    ledger = here.warehouse.ledger
    here.passes("calls")
    pause(ledger, "calls", now=START, by="anna")
    held = drain(here.wired, "mail", run="held")
    resume(ledger, "calls")
    drain(here.wired, "mail", run="sent")
    longer = replace(CALLS, steps=[CALLS.steps[0], replace(CALLS.steps[1], name="result", within=days(5))])
    monkeypatch.setattr(recipe.chains, "load", {"calls": longer}.__getitem__)
    told = impact(ledger, compile(longer), recipe.queries(longer))
    moved = [migrate_chain(here.wired, longer, recipe.queries(longer), {"outcome": "result"}, run=run) for run in ("one", "two")]

    assert (held, pauses(ledger)) == ({"mail": {}}, {})
    assert [(stand.step, stand.contacts, stand.goes) for stand in told.unmapped] == [("outcome", 2, None)]
    assert moved == [[Moved(1, "outcome", "result", 2)], []]
    assert here.passes("calls", START + timedelta(days=5)).moves[("result", "otherwise", "ring")] == 2
