"""Everybody who entered is accounted for at the end of every pass, one with nothing to do included."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketing.chain import CLICKED, Chain, Exit, WaitFor, days
from tests.passing.shop import START, one_send
from warehouse import schema
from warehouse.reconciling import Imbalance


def test_an_idle_pass_does_not_call_a_chain_well_that_has_lost_somebody(shop):
    """Each pass fails with the numbers until they add up again, whether it moves anybody or not."""
    house = shop(Chain(name="hello", title="Hello", kind="loyalty", audience="everybody",
                       steps=[*one_send().steps, WaitFor("answer", within=days(7), on={CLICKED: [Exit("heard")]})]))
    house.contacts({"contact_id": 1})
    house.passes("hello", START)
    with house.warehouse.ledger.begin() as tx:
        tx.execute(sa.update(schema.rest).where(schema.rest.c.residents > 0).values(residents=schema.rest.c.residents + 1))

    for hour in (1, 2):
        with pytest.raises(Imbalance, match="NOT BALANCED.*relance reconcile hello"):
            house.passes("hello", START + timedelta(hours=hour))
