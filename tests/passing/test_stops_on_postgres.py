"""Stops and withdrawals where the ledger is a PostgreSQL database."""

import threading
from dataclasses import replace

import pytest
import sqlalchemy as sa

from flows.send import drain
from tests.passing.shop import START, one_send
from warehouse import journal, outbox, stopping, stops

ANNA = journal.Who("anna")


@pytest.fixture
def planned(postgres_url, shop):
    """Three contacts whose message is planned and has not left."""
    server = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as tx:
        tx.execute(sa.text("CREATE DATABASE stops"))
    here = shop(one_send(), url=sa.make_url(postgres_url).set(database="stops").render_as_string(hide_password=False))
    here.contacts(*({"contact_id": number} for number in (1, 2, 3)))
    here.wired = replace(here.wired, send_for=0)
    here.passes("hello")
    yield here
    here.warehouse.close()
    with server.connect() as tx:
        tx.execute(sa.text("DROP DATABASE stops WITH (FORCE)"))
    server.dispose()


@pytest.mark.xdist_group("postgres")
def test_on_postgres(planned):
    """Each scope holds what is its own; a withdrawn wave is settled and its contacts leave; the journal has it all."""
    for scope, name in {"all": "", "chain": "hello", "wave": "1", "step": "hello/hi", "connector": "mail"}.items():
        found = stopping.stop_now(planned.warehouse, scope, name, ANNA, wall=planned.wired.wall)
        assert (found.not_left, drain(planned.wired, "mail", run=f"{scope}-stopped")) == (3, {"mail": {}})
        assert stopping.let_go(planned.warehouse, found.stop, ANNA).may_leave == 3
    account, left = stopping.withdraw_now(planned.warehouse, 1, ANNA, run="w", wall=planned.wired.wall)

    assert (account.outcomes, drain(planned.wired, "mail", run="later")) == ({"cancelled": 3}, {"mail": {}})
    assert planned.places("hello") == [(number, "exit:completed") for number in (1, 2, 3)] and left == 0
    assert [entry.act for entry in journal.entries(planned.warehouse.ledger)] == ["stop", "release"] * 5 + ["withdraw"]


@pytest.mark.xdist_group("postgres")
def test_a_stop_waits_for_who_is_about_to_call(planned):
    """A sender that has looked for stops and has not yet said that it calls is waited for: no call begins behind a stop's back."""
    ledger, wall, done = planned.warehouse.ledger, planned.wired.wall(), []
    held = outbox.claim(ledger, "mail", owner="me", now=START, wall=wall, most=9)
    with ledger.begin() as tx:
        assert not stops.standing(tx)
        other = threading.Thread(target=lambda: done.append(stopping.stop_now(
            planned.warehouse, "all", "", ANNA, wall=planned.wired.wall, patience=0)))
        other.start()
        other.join(0.5)
        assert done == [], "the stop stood before the sender's word"
    other.join(10)

    assert done[0].not_left == 3
    with pytest.raises(outbox.Held):
        outbox.renew(ledger, held[0], now=START, wall=wall)
