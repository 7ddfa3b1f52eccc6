"""A connector's pace, over all processes: each takes its place in time from one row of the ledger."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from warehouse.schema import lease

__all__ = ["reserve"]


def reserve(ledger, connector: str, touches: int, rate: float, wall: datetime) -> datetime:
    """The instant from which so many touches may be handed over, at `rate` a second.

    The row holds when the touches reserved so far will have left (virtual scheduling, the leaky
    bucket of ITU-T I.371): whoever comes next starts then, whichever process it is.
    """
    name = f"pace:{connector}"
    with ledger.begin() as tx:
        ledger.put(tx, lease, {"name": name, "owner": connector, "until": wall}, replace=False)
        # The update takes the row's lock before it is read: two processes never get the same place.
        tx.execute(sa.update(lease).where(lease.c.name == name).values(owner=connector))
        free_at = tx.execute(sa.select(lease.c.until).where(lease.c.name == name)).scalar_one()
        start = max(wall, free_at)
        tx.execute(sa.update(lease).where(lease.c.name == name).values(until=start + timedelta(seconds=touches / rate)))
    return start
