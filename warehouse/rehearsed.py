"""What a rehearsal has left on its branch, counted from its ledger: the parts say it, no file is opened."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from warehouse import schema

__all__ = ["Planned", "as_if_sound", "hold_ages", "planned", "standing"]


@dataclass(frozen=True)
class Planned:
    """Touches planned after a moment of the ledger: by step and channel, with their cost, and by instant and channel."""

    touches: Counter = field(default_factory=Counter)
    cost: Counter = field(default_factory=Counter)
    at: Counter = field(default_factory=Counter)


def planned(ledger, chain: int, after: int) -> Planned:
    """The touches of a chain that were listed after the number `after`."""
    part, found = schema.part, Planned()
    query = sa.select(part.c.to_step, part.c.channel, part.c.cost, part.c.happened_at, part.c.rows).where(
        part.c.tbl == "touches", part.c.chain == chain, part.c.place > after, part.c.retired_n.is_(None))
    with ledger.read() as tx:
        for step, channel, cost, moment, rows in tx.execute(query):
            found.touches[step, channel] += rows
            found.cost[step, channel] += rows * Decimal(cost or 0)
            found.at[moment, channel] += rows
    return found


def standing(ledger, chain: int) -> Counter:
    """How many stand at each step of a chain, over its versions."""
    rest, found = schema.rest, Counter()
    with ledger.read() as tx:
        for step, residents in tx.execute(sa.select(rest.c.step, rest.c.residents).where(rest.c.chain == chain)):
            found[step] += residents
    return +found


def as_if_sound(ledger, connectors: Iterable[str]) -> None:
    """On a branch: batches under way are still to be handed over, and no connector is stopped."""
    batch, meta = schema.batch, schema.meta
    with ledger.begin() as tx:
        tx.execute(sa.update(batch).where(batch.c.state == "sending").values(state="planned", owner=None, lease_until=None))
        tx.execute(sa.delete(meta).where(meta.c.key.in_([f"stopped:{name}" for name in connectors])))


def hold_ages(ledger, now: datetime, by: timedelta) -> None:
    """On a branch whose clock went on `by` to `now`: sources keep the age they had, as if loads went on as they do."""
    source = schema.source
    with ledger.begin() as tx:
        for number, loaded_at in tx.execute(sa.select(source.c.id, source.c.loaded_at)).all():
            tx.execute(sa.update(source).where(source.c.id == number).values(loaded_at=min(loaded_at + by, now)))
