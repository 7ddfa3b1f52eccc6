"""The few charts of a report, as SVG that stands alone: letters are outlines, nothing is fetched."""

from collections.abc import Callable, Sequence
from io import BytesIO
from math import isfinite

import matplotlib
import matplotlib.lines
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from marketing.roi import Lift
from reports.comparison import Comparison
from reports.words import money
from reports.worlds import Draw

__all__ = ["comparison", "seeds"]

INK, MUTED, GRID = "#1f2933", "#5b6773", "#e4e8ec"
#: what attribution claims, what the holdout finds, what was planted, and what misleads
CLAIM, FOUND, TRUTH, WRONG = "#c8772b", "#2f6db3", "#1f2933", "#c0392b"

_STYLE = {
    "font.family": "DejaVu Sans", "font.size": 9, "text.color": INK, "axes.labelcolor": MUTED, "axes.edgecolor": GRID,
    "xtick.color": MUTED, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.spines.left": False, "axes.grid": True, "grid.color": GRID, "grid.linewidth": 0.8, "axes.axisbelow": True,
    "svg.fonttype": "path", "svg.hashsalt": "relance", "legend.frameon": False, "legend.fontsize": 8.5,
}


def comparison(rows: Sequence[Comparison], currency: str) -> str:
    """One line per world: attribution's claim, the holdout's interval, the truth where it is known."""
    def paint(axes: Axes) -> None:
        for y, row in enumerate(reversed(rows)):
            _interval(axes, row.lift, y)
            axes.plot(row.attributed, y, marker="D", color=CLAIM, markersize=8, linestyle="none")
            if row.planted is not None:
                axes.plot([row.planted] * 2, [y - 0.28, y + 0.28], color=TRUTH, linewidth=2.2, solid_capstyle="butt")
        axes.set_yticks(range(len(rows)), [row.world for row in reversed(rows)])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.tick_params(axis="y", length=0)
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.grid(axis="y", visible=False)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: money(value, currency)))
        axes.xaxis.set_major_locator(MaxNLocator(6))
        known = any(row.planted is not None for row in rows)
        axes.legend(handles=_legend(known, "line"), loc="lower center", bbox_to_anchor=(0.42, 1.0), ncols=3, handletextpad=0.5)
    return _svg(paint, 7.6, 1.1 + 0.55 * len(rows))


def seeds(draws: Sequence[Draw], currency: str) -> str:
    """One column per seed: attribution's claim above, the holdout's interval around the truth; misses in red."""
    def paint(axes: Axes) -> None:
        for x, draw in enumerate(draws):
            colour = FOUND if draw.covers else WRONG
            axes.plot([x, x], [draw.lift.incremental_low, draw.lift.incremental_high], color=colour, linewidth=4,
                      solid_capstyle="round", alpha=0.55)
            axes.plot(x, draw.lift.incremental, marker="o", color=colour, markersize=4.5, linestyle="none")
            axes.plot(x, draw.attributed, marker="D", color=CLAIM, markersize=6, linestyle="none")
            axes.plot([x - 0.32, x + 0.32], [draw.planted] * 2, color=TRUTH, linewidth=1.8, solid_capstyle="butt")
        axes.set_xticks(range(len(draws)), [str(draw.seed) for draw in draws])
        axes.set_xlabel("seed")
        axes.axhline(0, color=MUTED, linewidth=1)
        axes.grid(axis="x", visible=False)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: money(value, currency)))
        axes.tick_params(axis="both", length=0)
        axes.margins(y=0.08)
        axes.legend(handles=_legend(True, "column"), loc="lower center", bbox_to_anchor=(0.47, 1.0), ncols=3)
    return _svg(paint, 7.6, 3.6)


def _interval(axes: Axes, found: Lift, y: float) -> None:
    if not isfinite(found.low):
        return
    colour = FOUND if found.enough else "#86a9cf"
    axes.plot([found.incremental_low, found.incremental_high], [y, y], color=colour, linewidth=7, solid_capstyle="round",
              alpha=0.6)
    axes.plot(found.incremental, y, marker="o", color=FOUND, markersize=6, linestyle="none")


def _legend(known: bool, shape: str) -> list:
    line = matplotlib.lines.Line2D
    entries = [line([], [], marker="D", color=CLAIM, linestyle="none", label="attribution claims"),
               line([], [], marker="o", color=FOUND, linewidth=5, alpha=0.6, label="holdout finds (95 % interval)")]
    if known:
        marker = {"marker": "|", "markersize": 12, "markeredgewidth": 2.2, "linestyle": "none"} if shape == "line" else {}
        entries.append(line([], [], color=TRUTH, label="planted truth", **marker))
    return entries


def _svg(paint: Callable[[Axes], None], width: float, height: float) -> str:
    """A drawing of that size in inches; the same values give the same bytes."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        paint(figure.subplots())
        written = BytesIO()
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = written.getvalue().decode()
    return text[text.index("<svg"):].strip()
