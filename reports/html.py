"""A report as one HTML file that holds all it shows: no script, no font, no picture from elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from marketing.gate import REASONS
from marketing.relation import Graph
from reports import bars, charts, diagram
from reports.comparison import Comparison
from reports.figures import Figures, Pressure
from reports.words import count, money, percent, rate, return_of, span

__all__ = ["ChainPage", "Report", "claim", "render"]


@dataclass(frozen=True, slots=True)
class ChainPage:
    """A chain as the report introduces it; `graph` is the version that is drawn."""

    chain: str
    title: str
    brief: str
    graph: Graph


@dataclass(frozen=True, slots=True)
class Report:
    """All of a report: the figures of one moment, and where a truth is known, the worlds side by side.

    `banner` is what is to be said of the environment before all else;
    `spotlight` is the comparison whose draws are shown seed by seed; `notes` say what a reader must know first
    (invented names, the margin's source), `runs` how many runs left these rows.
    """

    title: str
    intro: str
    as_of: datetime
    zone: str
    currency: str
    figures: Figures
    pages: Sequence[ChainPage]
    comparisons: Sequence[Comparison] = ()
    spotlight: Comparison | None = None
    notes: Sequence[str] = ()
    runs: int | None = None
    margin: str = ""
    banner: str = ""


def render(report: Report) -> str:
    """The report's HTML. Raises reports.diagram.DiagramError where diagrams cannot be drawn."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
                              undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        count=count, rate=rate, percent=percent, roi=return_of, words=lambda text: text.replace("_", " "),
        reason=lambda reason: REASONS.get(reason, reason.replace("_", " ")),
        money=lambda amount: money(amount, report.currency), span=lambda lift: span(lift, report.currency))
    return environment.get_template("report.html.j2").render(
        report=report, figures=report.figures, moment=_moment(report), comparisons=report.comparisons,
        claims=[claim(row, report.currency) for row in report.comparisons], charts=_charts(report),
        diagrams={page.chain: _diagram(page, report.figures) for page in report.pages},
        pages={page.chain: page for page in report.pages}, steps=_in_order(report),
        waves=_by_chain(report.figures.waves), refusals=_by_chain(report.figures.refusals),
        month=_window(report.figures.pressure))


def claim(row: Comparison, currency: str) -> str:
    """One world in two sentences: what attribution says, and what the holdout allows to say."""
    said = f"Attribution claims {money(row.attributed, currency)}."
    between = span(row.lift, currency)
    if row.lift.enough:
        found = f"The holdout finds {money(row.lift.incremental, currency)} ({between})."
    else:
        found = f"The holdout says: not enough data ({between})."
    seeds = f" The interval held the truth under {row.covering} of {len(row.draws)} seeds." if row.draws else ""
    return f"{said} {found}{seeds}"


def _charts(report: Report) -> Mapping[str, str]:
    drawn = {}
    if report.comparisons:
        drawn["comparison"] = bars.data_uri(charts.comparison(report.comparisons, report.currency))
    if report.spotlight is not None and report.spotlight.draws:
        drawn["seeds"] = bars.data_uri(charts.seeds(report.spotlight.draws, report.currency))
    if (longest := max(report.figures.pressure, key=lambda p: p.window_days, default=None)) is not None:
        drawn["touches"] = bars.data_uri(bars.touches(longest.counts, longest.window_days))
    return drawn


def _diagram(page: ChainPage, figures: Figures) -> str:
    return diagram.svg(page.graph, figures.flow.get(page.chain, {}), figures.standing.get(page.chain, {}),
                       f"{page.title}: contacts on each way through the chain")


def _by_chain(rows: Sequence) -> Mapping[str, list]:
    found: dict[str, list] = {}
    for row in rows:
        found.setdefault(row.chain, []).append(row)
    return found


def _in_order(report: Report) -> Mapping[str, list]:
    """The steps of each chain as they are written in it."""
    order = {(page.chain, step.name): step.order for page in report.pages for step in page.graph.steps}
    return _by_chain(sorted(report.figures.steps, key=lambda row: order.get((row.chain, row.step), len(order))))


def _window(pressure: Sequence[Pressure], days: int = 30) -> Pressure | None:
    return next((row for row in pressure if row.window_days == days), None)


def _moment(report: Report) -> str:
    local = report.as_of.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(report.zone))
    return f"{local:%Y-%m-%d %H:%M} ({report.zone})"
