"""Collect: what came back, from the inbox and the connectors, becomes responses."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from marketing.touch import unseal
from outbox.wired import Wired
from warehouse.collecting import Counts
from warehouse.collecting import collect as collect_into
from warehouse.folding import fold_receipts, unfolded
from warehouse.inbox import Inbox


@task(cache_policy=NO_CACHE)
def collect(wired: Wired, run: str) -> Counts:
    """Drain the inbox and poll the connectors; returns what was found, and which connectors could not be asked."""
    warehouse = wired.warehouse
    return collect_into(warehouse, wired.connectors.values(), run=run, as_of=warehouse.clock.now(), unseal=unseal)


@task(cache_policy=NO_CACHE)
def fold(wired: Wired, run: str) -> int:
    """Write the receipts that stand with their batches as parts; returns how many touches."""
    return fold_receipts(wired.warehouse, run=run, as_of=wired.warehouse.clock.now())


def anything_came(wired: Wired) -> bool:
    """Whether the inbox holds anything, or a connector is one that must be asked."""
    asked = any(connector.polled for connector in wired.connectors.values())
    if asked:
        return True
    box = Inbox(wired.warehouse)
    try:
        return box.newest() > 0
    finally:
        box.close()


def anything_settled(wired: Wired) -> bool:
    """Whether receipts stand with their batches."""
    return unfolded(wired.warehouse.ledger)
