"""The artifact of a pass: what the run did and where its chain stands, in Markdown that needs nothing else."""

from collections.abc import Iterable, Sequence

from marketing.drawing import mermaid
from marketing.relation import ANYWHERE, ENTRY, STAYS, Graph
from reports import bars, places
from reports.due import DueFigures
from reports.figures import ChainFigures, Figures, RefusalFigures, RunFigures, StepFigures, WaveFigures
from reports.words import count, money, percent, return_of, span

__all__ = ["WAVES", "artifact"]

#: So many waves are told one by one; of more the largest are.
WAVES = 50


def artifact(run: RunFigures, figures: Figures, graph: Graph, currency: str, run_name: str = "", *,
             due: Sequence[DueFigures] = (), zone: str = "UTC", deployment: str | None = None,
             banner: str = "") -> str:
    """The Markdown of one run of `graph`'s chain: GitHub tables, one chart as data URI, the diagram with its counts.

    `figures` and `due` are those of that chain, `deployment` the number of its deployment, `banner` what is to be
    said of the environment before all else. Holds no personal data.
    """
    chains = [chain for chain in figures.chains if chain.chain == graph.chain]
    parts = [f"# {_words(graph.chain)}", *([f"> **{banner}**"] if banner else []), _did(run, run_name, currency)]
    if not chains:
        parts.append("The chain has not enrolled anybody yet.")
    for chain in chains:
        parts += ["## The chain so far", _stands(chain, currency), _money(chain, currency)]
    parts += ["## Due next", *_due(due, graph, zone)] + _waves(figures.waves, currency, run.run, run_name)
    parts += _steps(figures.steps, currency) + _refusals(figures.refusals)
    if figures.pressure:
        longest = max(figures.pressure, key=lambda row: row.window_days)
        chart = bars.data_uri(bars.touches(longest.counts, longest.window_days))
        parts += ["## Pressure, all chains", f"![Contacts by touches in {longest.window_days} days]({chart})"]
    counts = _came(figures, graph)
    parts += ["## The way through", "Contacts that came to each step:", f"```mermaid\n{mermaid(graph, counts).rstrip()}\n```"]
    return "\n\n".join([*parts, "## Elsewhere", _elsewhere(graph.chain, deployment)]) + "\n"


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


def _due(due: Sequence[DueFigures], graph: Graph, zone: str) -> list[str]:
    """Who stands where, in the order of the chain; steps that only an earlier version has come last."""
    if not any(row.now or row.next_at for row in due):
        return ["Nobody is due."]
    order = [step.name for step in graph.steps]
    rows = sorted(due, key=lambda row: order.index(row.step) if row.step in order else len(order))
    return [_table(["Step", "There now", "Due now", "Next due", "On that day", "Within 7 days"], [
        [_words(row.step), count(row.contacts), count(row.now), f"{row.next_at:%Y-%m-%d %H:%M}" if row.next_at else "–",
         count(row.that_day), count(row.within_week)] for row in rows]),
        f"All times in {zone}. Whose answer comes before goes on before; a message is sent when the rules allow it."]


def _waves(waves: Sequence[WaveFigures], currency: str, own: str, own_name: str) -> list[str]:
    """The waves that live, the newest first, each with the run that started it; `own` is the present run, and its name."""
    living = [wave for wave in waves if wave.lives]
    shown = sorted(living, key=lambda wave: (wave.enrolled, wave.wave), reverse=True)[:WAVES]
    others, names = len(living) - len(shown), {wave.run: wave.run_name for wave in shown} | ({own: own_name} if own_name else {})
    if not living:
        return []
    return ["## Waves", _table(
        ["Wave", "Started by", "Enrolled", "Held out", "Still in it", "Sent", "Goal (treated)", "Cost", "Attributed"],
        [[str(wave.wave), places.link(names[wave.run] or wave.run, places.run(wave.run)), count(wave.enrolled),
          count(wave.held_out), count(wave.active), count(wave.sent), count(wave.goal), money(wave.cost, currency),
          money(wave.attributed_revenue, currency)] for wave in sorted(shown, key=lambda wave: wave.wave, reverse=True)]),
        *([f"{count(others)} smaller waves are not shown."] if others else [])]


def _elsewhere(chain: str, deployment: str | None) -> str:
    """Where to look further; what was published for the chain stands there from its newest run on."""
    links = [places.link("These figures as they are by now", places.artifact(places.artifact_key(chain))),
             places.link("All chains at a glance", places.artifact("status")),
             *([places.link("The chain: its form and its schedule", places.deployment(deployment))] if deployment else [])]
    return "\n".join(f"- {one}" for one in links)


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
        if reason not in STAYS:
            came[to] = came.get(to, 0) + moves
        if from_ == ENTRY:
            came[ENTRY] += moves
    return came


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _words(name: str) -> str:
    return name.replace("_", " ")
