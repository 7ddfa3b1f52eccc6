"""The demo's season, played as `make demo` plays it but for the workflow server, which only keeps it company."""

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import demo
from demo import closing, findings, show
from demo.season import CHAINS, FIRST, LAST, Season, stops
from demo.world import ORDERS

import chains
from flows import recipe, wiring
from reports.html import Report

__all__ = ["Played", "play"]


@dataclass(frozen=True)
class Played:
    """A season that is over: the summary of each pass, the report, what it found, and the account of each chain."""

    season: Season
    summaries: Sequence[Any]
    report: Report
    found: findings.Findings
    checked: Sequence[closing.Checked]


def play(home: Path, orders: Path = ORDERS, first: date = FIRST, last: date = LAST) -> Played:
    """Play a season in an empty folder, over the shop's purchases or a part of them."""
    for name in ("house.toml", "policy.toml"):
        shutil.copy(Path(demo.__file__).parent / name, home / name)
    wired = wiring.wired({"RELANCE_HOME": str(home)})

    def make_pass(name, params, day):
        return recipe.run_pass(wired, name, chains.load(name).params(**params), run=str(uuid.uuid4()), run_name=f"{name} {day}")

    season = Season(wired, home / "files", make_pass, lambda: str(uuid.uuid4()), orders=orders)
    list(season.set_up(first))
    summaries = [season.play(stop) for stop in stops(first, last)]
    season.close(last)
    report, found = show.reckon(wired, home)
    return Played(season, summaries, report, found, closing.reconciled(wired, CHAINS))
