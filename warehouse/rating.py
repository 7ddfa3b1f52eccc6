"""Rating: how touches were answered so far, counted by step, channel and kind, those old enough to be answered alone."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from marketing.rates import MATURE_DAYS, POINTS, Past
from warehouse import schema
from warehouse.engine import statement

__all__ = ["past"]

#: Parts of which the counts can tell anything at all.
_FACTS = ("receipts", "orders")


def past(warehouse, as_of: datetime) -> Past:
    """What the waves of every chain so far say, as of a moment; nothing where nothing was sent."""
    if not _anything(warehouse):
        return Past()
    mature, points = as_of - timedelta(days=MATURE_DAYS), [n / POINTS for n in range(POINTS + 1)]
    with warehouse.snapshot() as snapshot:
        def read(name: str) -> list[dict]:
            return snapshot.sql(statement(f"rating/{name}"), mature=mature, points=points).to_pylist()

        made, answered, bought = read("made"), read("answered"), read("bought")
        mean = snapshot.sql("SELECT avg(amount)::DOUBLE AS mean FROM orders WHERE amount > 0")["mean"][0].as_py()
    return Past(
        {(row["chain"], row["step"], row["channel"]): row["made"] for row in made},
        {(row["chain"], row["step"], row["channel"], row["kind"]): (row["answered"], tuple(row["delays"])) for row in answered},
        {(row["chain"], row["arm"]): (row["buyers"], row["contacts"], tuple(row["delays"] or ())) for row in bought},
        mean or 0.0)


def _anything(warehouse) -> bool:
    part = schema.part
    query = sa.select(sa.literal(1)).where(part.c.tbl.in_(_FACTS), part.c.retired_n.is_(None)).limit(1)
    with warehouse.ledger.read() as tx:
        return tx.execute(query).first() is not None
