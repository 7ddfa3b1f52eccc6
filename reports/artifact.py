"""The artifact of a pass: what the run did and where its chain stands, in Markdown that needs nothing else."""

from collections.abc import Iterable, Sequence

from marketing.drawing import mermaid
from marketing.relation import ANYWHERE, DEFERRED, ENTRY, FELL_BACK, Graph
from reports import bars
from reports.figures import ChainFigures, Figures, RefusalFigures, RunFigures, StepFigures
from reports.words import count, money, percent, return_of, span

__all__ = ["artifact"]


def artifact(run: RunFigures, figures: Figures, graph: Graph, currency: str, run_name: str = "") -> str:
    """The Markdown of one run of `graph`'s chain: GitHub tables, one chart as data URI, the diagram with its counts.

    `figures` are those of that chain. Holds no personal data.
    """
    chains = [chain for chain in figures.chains if chain.chain == graph.chain]
    parts = [f"# {_words(graph.chain)}", _did(run, run_name, currency)]
    if not chains:
        parts.append("The chain has not enrolled anybody yet.")
    for chain in chains:
        parts += ["## The chain so far", _stands(chain, currency), _money(chain, currency)]
    parts += _steps(figures.steps, currency) + _refusals(figures.refusals)
    if figures.pressure:
        longest = max(figures.pressure, key=lambda row: row.window_days)
        chart = bars.data_uri(bars.touches(longest.counts, longest.window_days))
        parts += ["## Pressure, all chains", f"![Contacts by touches in {longest.window_days} days]({chart})"]
    counts = _came(figures, graph)
    parts += ["## The way through", "Contacts that came to each step:", f"```mermaid\n{mermaid(graph, counts).rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


def _did(run: RunFigures, name: str, currency: str) -> str:
    called = f"**{name}** (`{run.run}`)" if name else f"`{run.run}`"
    return (f"The run {called} enrolled {count(run.enrolled)} contacts ({count(run.held_out)} held out), made "
            f"{count(run.moved)} moves and planned {count(run.planned)} touches, of which {count(run.sent)} were sent by now "
            f"for {money(run.cost, currency)}; {count(run.dropped)} were refused and {count(run.deferred)} deferred.")


def _stands(chain: ChainFigures, currency: str) -> str:
    response = chain.response_rate
    return _table(["Enrolled", "Held out", "Active", "Ended", "Reached", "Responded", "Goal (treated)", "Cost"], [[
        count(chain.enrolled), count(chain.held_out), count(chain.active), count(chain.ended), count(chain.reached),
        f"{count(chain.responded)} ({percent(response.value, 2)} of reached)", count(chain.goal),
        money(chain.cost, currency)]])


def _money(chain: ChainFigures, currency: str) -> str:
    rows = [["Attributed revenue (descriptive: last touch)", money(chain.attributed_revenue, currency), ""]]
    lift = chain.revenue_lift
    if lift is None:
        rows.append(["Incremental revenue", "no holdout, nothing to compare with", ""])
    else:
        found = money(lift.incremental, currency) if lift.enough else f"**not enough data** ({lift.reason})"
        rows += [["Incremental revenue (holdout)", found, span(lift, currency)],
                 ["Return on investment (margin)", return_of(chain.roi) if lift.enough else "–", ""],
                 ["Smallest effect this holdout could see, 9 times of 10", money(chain.seen, currency), ""]]
    return _table(["Money", "", "95 % interval"], rows)


def _steps(steps: Sequence[StepFigures], currency: str) -> list[str]:
    if not steps:
        return []
    return ["## Steps", _table(
        ["Step", "Channel", "Planned", "Sent", "Bounced", "Responded", "Left", "Cost", "Attributed"],
        [[_words(row.step), row.channel, count(row.planned), count(row.sent), count(row.bounced),
          f"{count(row.responded)} ({percent(row.response_rate.value, 2)})",
          f"{count(row.leaving_rate.count)} ({percent(row.leaving_rate.value, 2)})",
          money(row.cost, currency), money(row.attributed_revenue, currency)] for row in steps])]


def _refusals(refusals: Sequence[RefusalFigures]) -> list[str]:
    if not refusals:
        return []
    return ["## Refused, and why", _table(
        ["Reason", "Rule", "When", "Dropped", "Deferred"],
        [[_words(row.reason), _words(row.rule or "–"), f"at {row.stage}", count(row.dropped), count(row.deferred)]
         for row in refusals])]


def _came(figures: Figures, graph: Graph) -> dict[str, int]:
    """How many contacts came to each step; the audience is who entered."""
    came: dict[str, int] = {ENTRY: 0, ANYWHERE: 0}
    for (from_, reason, to), moves in figures.flow.get(graph.chain, {}).items():
        if reason not in (DEFERRED, FELL_BACK):
            came[to] = came.get(to, 0) + moves
        if from_ == ENTRY:
            came[ENTRY] += moves
    return came


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _words(name: str) -> str:
    return name.replace("_", " ")
