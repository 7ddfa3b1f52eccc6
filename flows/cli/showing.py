"""What people see: tables, moments in the house's zone, progress on a terminal."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from marketing.calendar import local

__all__ = ["age", "moment", "show", "table", "working"]


def show(piece: Any) -> None:
    """Print a text or a table; into a file or a pipe a table takes the width it needs."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal and not isinstance(piece, str):
        wide = Console(width=10_000)
        console = Console(highlight=False, markup=False, emoji=False, width=max(80, wide.measure(piece).maximum))
    console.print(piece, soft_wrap=isinstance(piece, str))


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> Table:
    """A table; a head that ends in # is of numbers, and stands to the right."""
    made = Table(box=SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for head in heads:
        made.add_column(head.rstrip("#"), justify="right" if head.endswith("#") else "left", overflow="fold")
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def moment(instant: datetime | None, zone: str) -> str:
    """2026-01-12 10:00, in the zone; the zone itself is named once, beside or above."""
    return "–" if instant is None else f"{local(instant, zone):%Y-%m-%d %H:%M}"


def age(since: datetime, now: datetime) -> str:
    """3 days 4 h."""
    seconds = max(0, int((now - since).total_seconds()))
    days, hours, minutes = seconds // 86_400, seconds % 86_400 // 3600, seconds % 3600 // 60
    if days:
        return f"{days} day{'s' if days > 1 else ''} {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


@contextmanager
def working(words: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """A progress bar on the error stream while the block runs, on a terminal only; call what it yields with
    (done, total, words), any of them None."""
    if not sys.stderr.isatty():
        yield lambda done=None, total=None, words=None: None
        return
    columns = [TextColumn("{task.description}"), BarColumn()]
    if total is not None:
        columns.append(MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(words, total=total)

        def update(done: int | None = None, total: int | None = None, words: str | None = None) -> None:
            given = {"completed": done, "total": total, "description": words}
            bars.update(bar, **{name: value for name, value in given.items() if value is not None})

        yield update
