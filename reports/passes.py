"""The artifact of one pass, from the moment after it."""

from reports import figures
from reports.artifact import artifact
from reports.due import read_due
from warehouse import Warehouse
from warehouse.versions import newest

__all__ = ["told"]


def told(warehouse: Warehouse, chain: str, run: str, run_name: str = "", deployment: str | None = None) -> str:
    """The Markdown of the run `run` of a chain: what it did, and where the chain stands after it.

    deployment: the number of the chain's deployment, where the run belongs to one.
    """
    house, as_of = warehouse.house, warehouse.clock.now()
    with warehouse.snapshot() as snapshot:
        snapshot.keep(*figures.SHARED)
        found, did = figures.read(snapshot.sql, chain), figures.read_run(snapshot.sql, run, chain)
        due = read_due(snapshot.sql, chain, as_of, house.zone)
    return artifact(did, found, newest(warehouse.ledger, chain).graph, house.currency, run_name, due=due, zone=house.zone,
                    deployment=deployment, banner=house.banner)
