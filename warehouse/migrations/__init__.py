"""Bring a ledger to the revision of this code, or refuse it."""

import sqlalchemy as sa

from warehouse import schema


def upgrade(ledger) -> None:
    """Create or bring up to date; a ledger that is current costs one short read."""
    with ledger.engine.connect() as connection:
        current = _revision(connection)
        connection.rollback()
    if current == schema.REVISION:
        return
    with ledger.begin() as tx:
        schema.metadata.create_all(tx)
        if tx.execute(sa.select(schema.counter.c.name)).first() is None:
            tx.execute(sa.insert(schema.counter), [{"name": "part", "value": 0}])
        tx.execute(sa.text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)"))
        tx.execute(sa.text("DELETE FROM alembic_version"))
        tx.execute(sa.text("INSERT INTO alembic_version VALUES (:v)"), {"v": schema.REVISION})


def _revision(connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
