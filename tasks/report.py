"""Report: the figures of all chains as one page that needs nothing else."""

from collections.abc import Iterable
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from marketing.chain import Chain
from outbox.wired import Wired


@task(cache_policy=NO_CACHE)
def write_report(wired: Wired, chains: Iterable[Chain], only: str | None, path: str) -> str:
    """Write the report of this moment as HTML; returns the absolute path."""
    from reports import gathering, html  # a second of drawing libraries

    page = html.render(gathering.gather(wired.warehouse, chains, only))
    target = Path(path).absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page, encoding="utf-8")
    return str(target)
