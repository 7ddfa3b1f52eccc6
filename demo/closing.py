"""What the demo says when it is over: the table, the account, and the commands to go on with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from demo.findings import Findings
from demo.season import Season
from outbox.wired import Wired
from reports.comparison import Comparison
from reports.html import Report
from reports.record import record
from reports.words import count, money, percent, span
from warehouse.reconciling import account, contradictions
from warehouse.versions import chain_numbers

__all__ = ["TITLE", "Checked", "loaded", "next_steps", "reconciled", "said", "write"]

TITLE = Text.from_markup(
    "[bold]Relance[/]: two chains over nine months of a real shop's purchases (CDNOW, 1997-98).\n"
    "[dim]Names, addresses, postcodes and consents are invented from a seed; no message leaves this machine.[/]\n")
PORT = 4200


@dataclass(frozen=True, slots=True)
class Checked:
    """A chain's account, and what contradicts it, contact by contact."""

    chain: str
    account: str
    balanced: bool
    contradictions: Sequence[str]

    @property
    def clean(self) -> bool:
        return self.balanced and not self.contradictions


def loaded(season: Season) -> RenderableType:
    """What the set-up loaded, a line a file."""
    table = Table.grid(padding=(0, 2))
    for report in season.reports:
        table.add_row(f"  {report.path.name}", Text(f"{report.read:,} rows", justify="right"),
                      Text(f"{report.new:,} new", justify="right"), f"{report.rejected:,} rejected")
    return Group(Text("Loaded like anybody's files, by the loader of relance load:"), table, "")


def reconciled(wired: Wired, chains: Sequence[str]) -> list[Checked]:
    """Every contact of the chains accounted for: by the manifest's counts, and contact by contact."""
    numbers = chain_numbers(wired.warehouse.ledger)
    found = []
    with wired.warehouse.snapshot() as snapshot:
        for chain in chains:
            counted = account(wired.warehouse.ledger, numbers[chain])
            found.append(Checked(chain, str(counted), counted.balanced, contradictions(snapshot, chain)))
    return found


def write(home: Path, report: Report, found: Findings, checked: Sequence[Checked], page: str) -> dict[str, Path]:
    """report.html and report.json in the demo's folder."""
    plain = record(report) | {
        "power": found.power, "seeds": [draw.seed for draw in found.nothing.draws],
        "reconciled": [{"chain": one.chain, "account": one.account, "clean": one.clean,
                        "contradictions": list(one.contradictions)} for one in checked]}
    files = {"html": home / "report.html", "json": home / "report.json"}
    files["html"].write_text(page, encoding="utf-8")
    files["json"].write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return files


def said(report: Report, found: Findings, checked: Sequence[Checked], seconds: float) -> RenderableType:
    """The figures on a screen."""
    return Group(_worlds(report, found), _chains(report), _refusals(report), _account(checked),
                 Text(f"{report.runs} flow runs, {seconds:.0f} seconds in all.", style="dim"), "")


def _worlds(report: Report, found: Findings) -> RenderableType:
    table = Table(title=f"Two ways to count the same money, {report.currency}", title_justify="left", title_style="bold",
                  padding=(0, 1), expand=False, show_lines=True)
    table.add_column("World", max_width=24)
    table.add_column("Attribution claims", justify="right", style="yellow")
    table.add_column("The holdout finds (95 %)", justify="right", style="cyan")
    table.add_column("Planted truth", justify="right")
    table.add_column("It could see", justify="right", style="dim")
    table.add_column("Truth inside", justify="right", style="dim")
    for row in found.rows:
        table.add_row(f"[bold]{row.world}[/]", money(row.attributed, report.currency), _found(row, report.currency),
                      money(row.planted, report.currency), money(row.seen, report.currency),
                      f"{row.covering} of {len(row.draws)} seeds" if row.draws else "–")
    none = found.nothing
    least = min(draw.attributed for draw in none.draws)
    point = Text.assemble(
        "Where the messages change ", ("nothing", "bold"), ", attribution claims ",
        (money(none.attributed, report.currency), "bold yellow"), f" (never below {money(least, report.currency)} under "
        f"{len(none.draws)} seeds). The holdout's interval covers zero under ",
        (f"{none.covering} of {len(none.draws)}", "bold cyan"), ".\n",
        (f"The effect of the second world was planted to be found nine times of ten (power in the end: "
         f"{percent(found.power, 0)}).\n", "dim"))
    return Group(table, point)


def _found(row: Comparison, currency: str) -> str:
    verdict = f"[bold]{money(row.lift.incremental, currency)}[/]" if row.lift.enough else "[bold]not enough data[/]"
    return f"{verdict}\n[dim]{span(row.lift, currency)}[/]"


def _chains(report: Report) -> Table:
    table = Table(title="Chains", title_justify="left", title_style="bold", padding=(0, 1))
    for name in ("Chain", "Enrolled", "Held out", "Sent", "Responded", "Goal", "Refused", "Cost"):
        table.add_column(name, justify="left" if name == "Chain" else "right")
    for row in report.figures.chains:
        table.add_row(row.chain.replace("_", " "), count(row.enrolled), count(row.held_out), count(row.sent),
                      count(row.responded), count(row.goal), count(row.dropped + row.deferred), money(row.cost, report.currency))
    return table


def _refusals(report: Report) -> RenderableType:
    total: dict[str, int] = {}
    for row in report.figures.refusals:
        total[row.reason] = total.get(row.reason, 0) + row.refusals
    words = ", ".join(f"{reason.replace('_', ' ')} {many:,}" for reason, many in sorted(total.items(), key=lambda r: -r[1]))
    month = next(row for row in report.figures.pressure if row.window_days == 30)
    return Text.assemble(("Refused: ", "bold"), words or "nothing", ".\n", ("Pressure: ", "bold"),
                         f"{month.touched:,} of {month.contacts:,} contacts touched in the last 30 days, at most {month.most:g} "
                         "weighed touches each.\n")


def _account(checked: Sequence[Checked]) -> RenderableType:
    if all(one.clean for one in checked):
        return Text.assemble(("Reconciled: ", "bold"), ("every contact is accounted for", "green"), ", chain by chain and contact by "
                             "contact.")
    lines = [f"{one.chain}: {one.account}" + "".join(f"\n  {line}" for line in one.contradictions)
             for one in checked if not one.clean]
    return Text("NOT reconciled:\n" + "\n".join(lines), style="bold red")


def next_steps(home: Path, written: dict[str, Path], season: Season) -> RenderableType:
    """Where everything lies, and what to try next: commands that work as they stand."""
    contact = season.somebody()
    bin_ = ".venv/bin"
    lines = [
        ("The report", f"{written['html']}   (and {written['json']})"),
        ("The messages", f"{home}/sent/<chain>/<step>/wave-<n>/: open the .eml, .html and .txt files"),
        ("The runs", f"PREFECT_HOME={home.absolute()}/prefect {bin_}/prefect server start --port {PORT}\n"
                     f"then open http://127.0.0.1:{PORT}/runs"),
        ("Why this contact?", f"RELANCE_HOME={home} {bin_}/relance explain {contact}"),
        ("At a glance", f"RELANCE_HOME={home} {bin_}/relance status"),
        ("Any question", f'RELANCE_HOME={home} {bin_}/relance sql "SELECT reason, sum(refusals) AS refusals '
                         'FROM refusals_by_reason GROUP BY reason ORDER BY refusals DESC"'),
    ]
    return Text("\n").join(Text.assemble((name + "\n", "bold"), "\n".join(f"  {line}" for line in text.split("\n")))
                           for name, text in lines)
