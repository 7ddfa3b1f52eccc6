"""Alembic, run inside a transaction that is already open."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from warehouse.migrations import UnknownRevision

__all__ = ["migrate"]


def migrate(tx: sa.Connection, folder: Path) -> None:
    """Apply the revisions that the ledger lacks; who comes second finds none. Raises `UnknownRevision`."""
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = tx
    current = MigrationContext.configure(tx).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise UnknownRevision(current)
    command.upgrade(config, "head")
