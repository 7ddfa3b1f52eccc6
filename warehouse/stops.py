"""Stops: a connector that cannot send until somebody has mended something."""

import sqlalchemy as sa

from warehouse.schema import meta

__all__ = ["release", "stop", "stopped", "stops"]


def stop(ledger, connector: str, why: str) -> None:
    """Nothing more leaves by this connector until `release`; the reason is shown by `relance status`."""
    with ledger.begin() as tx:
        ledger.put(tx, meta, {"key": f"stopped:{connector}", "value": why[:500]})


def stopped(ledger, connector: str) -> str | None:
    """Why a connector is stopped, None when it is not."""
    with ledger.read() as tx:
        return tx.execute(sa.select(meta.c.value).where(meta.c.key == f"stopped:{connector}")).scalar()


def stops(ledger) -> dict[str, str]:
    """The connectors that are stopped, and why."""
    with ledger.read() as tx:
        rows = tx.execute(sa.select(meta.c.key, meta.c.value).where(meta.c.key.like("stopped:%"))).all()
    return {key.removeprefix("stopped:"): why for key, why in rows}


def release(ledger, connector: str) -> None:
    """Let a connector send again."""
    with ledger.begin() as tx:
        tx.execute(sa.delete(meta).where(meta.c.key == f"stopped:{connector}"))
