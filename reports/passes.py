"""The artifact of one pass, from the moment after it."""

from reports import figures
from reports.artifact import artifact
from warehouse import Warehouse
from warehouse.versions import newest

__all__ = ["told"]


def told(warehouse: Warehouse, chain: str, run: str, run_name: str = "") -> str:
    """The Markdown of the run `run` of a chain: what it did, and where the chain stands after it."""
    with warehouse.snapshot() as snapshot:
        snapshot.keep(*figures.SHARED)
        found, did = figures.read(snapshot.sql, chain), figures.read_run(snapshot.sql, run, chain)
    return artifact(did, found, newest(warehouse.ledger, chain).graph, warehouse.house.currency, run_name)
