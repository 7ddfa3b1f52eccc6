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
from reports.worlds import Draw, Field

__all__ = ["SEEDS", "Findings", "Truth", "told", "truth_of", "with_findings"]

#: Fixed in advance: the first is the one that is shown, the others say whether it was luck.
SEEDS = range(20)
#: What the small effect is of the smallest one that the holdout finds nine times of ten. Even a small one is found by
#: luck now and then (at 0.2, seed 0 was such a case), so the report says under how many seeds it was claimed.
SMALL = 0.1
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
    loyal_nothing: Comparison
    played: Comparison
    small: Comparison
    loyal: Comparison
    power: float

    @property
    def rows(self) -> tuple[Comparison, ...]:
        """As the report shows them: the worlds without any effect first."""
        return self.nothing, self.loyal_nothing, self.played, self.small, self.loyal

    @property
    def claimed(self) -> float:
        """What attribution claims for both chains where neither does anything."""
        return self.nothing.attributed + self.loyal_nothing.attributed


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


def told(figures: Figures, field: Field, truth: Mapping[str, Truth], win_back: str, loyalty: str,
         seeds: Iterable[int] = SEEDS) -> Findings:
    """The worlds side by side: with no effect, as the season ran, with a small effect."""
    seeds = list(seeds)
    played, loyal = _played(figures, truth, win_back), _played(figures, truth, loyalty)
    effect = played.planted / played.lift.treated.n
    chance = power(effect, played.lift.error) if played.lift.error > 0 else 0.0
    none = field.draws(seeds)
    weak, again = (_of(field.draws(seeds, {win_back: planted}), win_back)
                   for planted in (field.effect_seen(win_back) * SMALL, effect))
    shown = f"Seed {seeds[0]} of {len(seeds)}, fixed in advance."
    return Findings(
        nothing=of_draws("Win-back that does nothing", f"The same waves and orders, no effect at all. {shown}",
                         _of(none, win_back)),
        loyal_nothing=of_draws("Loyalty that does nothing", f"Likewise. {shown}", _of(none, loyalty)),
        played=replace(played, world="Win-back that works", draws=tuple(again), explained=(
            "The season as it ran. The effect was chosen for 90 % power with this holdout "
            f"({percent(chance, 0)} in the end). Seeds: such a world drawn again.")),
        small=of_draws("Win-back that works a little", f"{percent(SMALL, 0)} of the smallest effect this holdout can see: real, "
                       f"and the honest answer is that nobody can tell. {shown}", weak),
        loyal=replace(loyal, world="Loyalty that works", explained="The season as it ran, one in twenty held out."),
        power=chance)


def _of(draws: Iterable[Draw], chain: str) -> list[Draw]:
    return [draw for draw in draws if draw.chain == chain]


def _played(figures: Figures, truth: Mapping[str, Truth], chain: str) -> Comparison:
    row = figures.chain(chain)
    if row.revenue_lift is None:
        raise ValueError(f"chain {chain!r} has no holdout; the demo compares chains that have one")
    return Comparison(chain, chain, "", row.attributed_revenue, row.revenue_lift,
                      truth[chain].revenue if chain in truth else 0.0)


def with_findings(report: Report, found: Findings) -> Report:
    """The gathered report, with the worlds, and what a reader must know first."""
    intro = (f"Two chains whose messages change nothing, and attribution claims {money(found.claimed, report.currency)} for "
             "them. The holdout claims nothing. That difference is why this software exists.")
    return replace(report, title="Nine months of a record shop", intro=intro, comparisons=found.rows,
                   spotlight=found.nothing, notes=NOTES)


NOTES = (
    "The purchases are real: CDNOW, January 1997 to June 1998, 23,570 customers. Fader, Peter S. and Bruce G. S. Hardie (2001), "
    "“Forecasting Repeat Sales at CDNOW: A Case Study”, Interfaces 31 (May-June), Part 2 of 2, S94-S107; as shipped with the "
    "Python package Lifetimes 0.11.3 (MIT).",
    "Everything else is invented from a seed: names, addresses, postcodes, telephone numbers and consents; who clicks, "
    "unsubscribes or buys because of a message; costs and the margin. No message left this machine.",
    "“Planted truth” counts the orders that a chain's own messages caused inside its window, from the simulator's book, "
    "which no figure of the report may read.",
)
