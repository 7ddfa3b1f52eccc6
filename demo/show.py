"""The demo as it is watched: set-up, forty flow runs under a progress bar, the report, and what to look at next."""

import time
import uuid
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

import chains
from demo import closing, findings, world
from demo.season import CHAINS, LAST, Season, stops
from flows import by_chain, wiring
from flows.cli.prefect_server import PrefectServer
from outbox.wired import Wired
from reports import html
from reports.gathering import gather
from reports.html import Report
from reports.worlds import Field

__all__ = ["show"]


def show(home: Path, server: PrefectServer, *, last: date = LAST, one_of: int = 1) -> bool:
    """Set up, play until the day `last`, report, and say where to look; returns whether every contact is accounted for.

    one_of: one customer of so many takes part. Raises ServerFailed, or what a run raised.
    """
    console, wired, marks = Console(highlight=False), wiring.wired(), [time.monotonic()]
    orders = world.few(home / "few.txt.gz", one_of) if one_of > 1 else world.ORDERS
    season = Season(wired, home / "files", _flow_run, run=lambda: str(uuid.uuid4()), orders=orders)
    console.print(closing.TITLE)
    with _progress(console) as progress:
        task = progress.add_task("setting up", total=4)
        for what in season.set_up():
            progress.update(task, description=what, advance=1)
        progress.update(task, description="starting a Prefect server")
        server.wait()
        progress.update(task, visible=False)
        console.print(closing.loaded(season))
        marks.append(time.monotonic())
        _play(season, progress, last)
        marks.append(time.monotonic())
        task = progress.add_task("counting: attribution, holdout, truth", total=None)
        report, found = reckon(wired, home)
        progress.update(task, description="checking that every contact is accounted for")
        checked = closing.reconciled(wired, CHAINS)
        progress.update(task, visible=False)
    written = closing.write(home, report, found, checked, html.render(report))
    console.print(closing.said(report, found, checked, [*marks, time.monotonic()]))
    console.print(closing.next_steps(home, written, season), soft_wrap=True)  # a command must stay one line
    return all(one.clean for one in checked)


def _play(season: Season, progress: Progress, last: date) -> None:
    days = stops(last=last)
    task = progress.add_task("", total=len(days))
    for stop in days:
        progress.update(task, description=f"{stop.day}  {stop.chain.replace('_', ' ')}")
        season.play(stop)
        progress.advance(task)
    season.close(last)
    progress.update(task, description="handing the last logs over to Prefect")
    # It does so in the background; a server that has gone would make it complain at the end.
    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=30)
    progress.update(task, visible=False)


def _flow_run(chain: str, params: Mapping[str, Any], day: date) -> Any:
    """One pass as a real flow run on the demo's server, on a day that the clock shows."""
    return getattr(by_chain, chain)(**params)


def reckon(wired: Wired, home: Path) -> tuple[Report, findings.Findings]:
    """The report of the season with its worlds."""
    report = gather(wired.warehouse, [chains.load(name) for name in CHAINS])
    with wired.warehouse.snapshot() as snapshot:
        snapshot.keep("enrolments", "touch_facts")
        truth, planted = findings.truth_of(snapshot, home / "truth.sqlite")
        field = Field(snapshot.sql, planted=planted)
        found = findings.told(report.figures, field, truth, *CHAINS)
    return findings.with_findings(report, found), found


def _progress(console: Console) -> Progress:
    return Progress(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                    console=console, transient=True)
