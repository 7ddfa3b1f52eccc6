"""Bring a ledger to the revision of this code, or refuse it."""

from pathlib import Path

import sqlalchemy as sa

from warehouse import schema

__all__ = ["UnknownRevision", "upgrade"]

#: Serialises two processes that open one new ledger on PostgreSQL; SQLite takes its write lock by itself.
_UPGRADING = 7_236_114_002
_CURRENT = sa.text("SELECT version_num FROM alembic_version")


class UnknownRevision(Exception):
    """The ledger is of a revision that this code does not know: a newer version of it has been here."""


def upgrade(ledger) -> None:
    """Create the ledger or bring it up to date; one that is current costs one short read.

    Raises `UnknownRevision` with the ledger's own revision.
    """
    if _revision(ledger) == schema.REVISION:
        return
    from warehouse.migrations import run  # Alembic takes a quarter of a second to import

    with ledger.begin() as tx:
        if not ledger.sqlite:
            tx.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADING})
        run.migrate(tx, Path(__file__).parent)


def _revision(ledger) -> str | None:
    try:
        with ledger.read() as tx:
            return tx.execute(_CURRENT).scalar()
    except (sa.exc.OperationalError, sa.exc.ProgrammingError):
        with ledger.read() as tx:
            if sa.inspect(tx).has_table("alembic_version"):
                raise
        return None
