"""A report of the present moment, gathered from a warehouse."""

from collections.abc import Iterable

from marketing.chain import Chain
from marketing.drawing import brief
from reports import figures
from reports.html import ChainPage, Report
from warehouse import Warehouse, runs
from warehouse.versions import newest

__all__ = ["gather"]


def gather(warehouse: Warehouse, chains: Iterable[Chain], only: str | None = None) -> Report:
    """The figures of one chain, or of all that have enrolled anybody; `chains` are the briefs there are now.

    The diagram of a chain is that of its newest version that a pass has used.
    """
    house = warehouse.house
    with warehouse.snapshot() as snapshot:
        snapshot.keep(*figures.SHARED)
        read = figures.read(snapshot.sql, only)
    known = {chain.name: chain for chain in chains}
    pages = []
    for row in read.chains:
        chain = known.get(row.chain)
        pages.append(ChainPage(row.chain, chain.title if chain else row.chain.replace("_", " "),
                               brief(chain) if chain else "Its file is no longer there.",
                               newest(warehouse.ledger, row.chain).graph))
    return Report(
        title=house.name if only is None else f"{house.name}: {only.replace('_', ' ')}",
        intro="What the chains did, what it cost, and what it brought, as far as the holdout can tell.",
        as_of=warehouse.clock.now(), zone=house.zone, currency=house.currency, figures=read, pages=tuple(pages),
        runs=runs.count(warehouse.ledger, "pass"), margin=_margin(house), banner=house.banner)


def _margin(house) -> str:
    if house.margin_rate is None:
        return "Margin: that of each order line where it was loaded; without it there is no return on investment."
    return f"Margin: that of each order line where it was loaded, else {float(house.margin_rate):.0%} of the amount (house.toml)."
