"""What the season proves: attribution, holdout and planted truth side by side, in the world that ran and in others."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from marketing.roi import power
from reports.comparison import Comparison, of_draws
from reports.figures import Figures
from reports.html import Report
from reports.words import money, percent
from reports.worlds import Field

__all__ = ["SEEDS", "Findings", "Truth", "told", "truth_of", "with_findings"]

#: Fixed in advance: the first is the one that is shown, the others say whether it was luck.
SEEDS = range(20)
#: What the small effect is of the smallest one that the holdout finds nine times of ten.
SMALL = 0.2
_EPOCH = datetime(1970, 1, 1)
_SQL = Path(__file__).parent / "planted.sql"


@dataclass(frozen=True, slots=True)
class Truth:
    """What a chain's messages caused inside the goal's window: orders and revenue, known because they were planted."""

    orders: int
    revenue: float


@dataclass(frozen=True, slots=True)
class Findings:
    """The worlds of the report; `power` is the chance that a holdout of this size finds the effect that was planted."""

    nothing: Comparison
    played: Comparison
    small: Comparison
    loyalty: Comparison
    power: float

    @property
    def rows(self) -> tuple[Comparison, ...]:
        """As the report shows them: the world without any effect first."""
        return self.nothing, self.played, self.small, self.loyalty


def truth_of(snapshot, file: Path) -> tuple[dict[str, Truth], list[str]]:
    """The planted truth by chain, from the simulator's own book, which only the demo and tests may read; and the
    numbers of all orders that messages caused."""
    with closing(sqlite3.connect(file)) as book:
        rows = book.execute("SELECT 'S-' || key, chain, wave, contact, extra_at, extra_amount FROM truth "
                            "WHERE extra_at IS NOT NULL ORDER BY key").fetchall()
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(6)]
    caused = pa.table({
        "order_id": pa.array(columns[0], pa.string()), "chain": pa.array(columns[1], pa.string()),
        "wave": pa.array(map(int, columns[2]), pa.int64()), "contact_id": pa.array(columns[3], pa.int64()),
        "extra_at": pa.array([_EPOCH + timedelta(microseconds=at) for at in columns[4]], pa.timestamp("us")),
        "amount": pa.array(map(float, columns[5]), pa.float64())})
    snapshot.engine.register("caused", caused)
    found = snapshot.sql(_SQL.read_text(encoding="utf-8")).to_pylist()
    return {row["chain"]: Truth(row["orders"], row["revenue"]) for row in found}, columns[0]


def told(figures: Figures, field: Field, truth: Mapping[str, Truth], chain: str, loyalty: str,
         seeds: Iterable[int] = SEEDS) -> Findings:
    """The worlds of `chain` side by side, and the one that ran for `loyalty`."""
    seeds = list(seeds)
    played, other = _played(figures, truth, chain), _played(figures, truth, loyalty)
    effect = played.planted / played.lift.treated.n
    chance = power(effect, played.lift.error) if played.lift.error > 0 else 0.0
    small = field.effect_seen(chain) * SMALL
    nothing, weak, again = (
        [draw for draw in field.draws(seeds, {chain: planted}) if draw.chain == chain] for planted in (0.0, small, effect))
    return Findings(
        nothing=of_draws("The messages do nothing", "Win-back. The same waves and orders, no effect at all: seed 0 of 20, fixed "
                         "in advance.", nothing),
        played=replace(
            played, world="The messages work", draws=tuple(again),
            explained="Win-back, as it ran through Prefect. Its effect was chosen beforehand so that this holdout should "
            f"find it nine times of ten ({percent(chance, 0)} in the end). Seeds: such a world drawn again."),
        small=of_draws("They work a little", f"Win-back. An effect of {percent(SMALL, 0)} of what this holdout can see: it is "
                       "there, and the honest answer is that nobody can tell.", weak),
        loyalty=replace(other, world="Loyalty, one in twenty held out", explained="As it ran through Prefect, with the same "
                        "people. A small holdout sees little."),
        power=chance)


def _played(figures: Figures, truth: Mapping[str, Truth], chain: str) -> Comparison:
    row = figures.chain(chain)
    if row.revenue_lift is None:
        raise ValueError(f"chain {chain!r} has no holdout; the demo compares chains that have one")
    return Comparison(chain, chain, "", row.attributed_revenue, row.revenue_lift,
                      truth[chain].revenue if chain in truth else 0.0)


def with_findings(report: Report, found: Findings) -> Report:
    """The gathered report, with the worlds, and what a reader must know first."""
    none = found.nothing
    intro = (f"Where messages change nothing, attribution still claims {money(none.attributed, report.currency)}. "
             "The holdout claims nothing. That is why this software exists.")
    return replace(report, title="Nine months of a record shop", intro=intro, comparisons=found.rows, spotlight=none, notes=NOTES)


NOTES = (
    "The purchases are real: CDNOW, January 1997 to June 1998, 23,570 customers. Fader, Peter S. and Bruce G. S. Hardie (2001), "
    "“Forecasting Repeat Sales at CDNOW: A Case Study”, Interfaces 31 (May-June), Part 2 of 2, S94-S107; as shipped with the "
    "Python package Lifetimes 0.11.3 (MIT).",
    "Everything else is invented from a seed: names, addresses, postcodes, telephone numbers and consents; who clicks, "
    "unsubscribes or buys because of a message; costs and the margin. No message left this machine.",
    "“Planted truth” counts the orders that a chain's own messages caused inside its window, from the simulator's book, "
    "which no figure of the report may read.",
)
