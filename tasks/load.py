"""Load: a file of contacts, orders, consents or suppressions becomes parts, in one commit."""

from collections.abc import Callable
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from outbox.wired import Wired
from warehouse.loading import Report
from warehouse.loading import load as load_file


@task(cache_policy=NO_CACHE)
def load(wired: Wired, kind: str, path: str, run: str, confirm: bool = False,
         progress: Callable[[int, int, str], None] | None = None) -> Report:
    """Load a file; a held load is no error, its report says what it waits for. Raises LoadError."""
    warehouse = wired.warehouse
    return load_file(warehouse, kind, Path(path), as_of=warehouse.clock.now(), run=run, confirm=confirm, progress=progress)
