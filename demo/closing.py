"""What the demo says when it is over: the table, the account, and the commands to go on with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from demo.findings import Findings
from demo.season import Season
from marketing.gate import REASONS
from outbox.wired import Wired
from reports.html import Report
from reports.record import record
from reports.words import count, money, percent, span
from warehouse.reconciling import account, contradictions
from warehouse.versions import chain_numbers

__all__ = ["TITLE", "Checked", "loaded", "next_steps", "reconciled", "said", "write"]

TITLE = Text.from_markup(
    "[bold]Relance[/]: two chains over nine months of a real shop's purchases (CDNOW, 1997-98).\n"
    "[dim]Names, addresses, postcodes and consents are invented from a seed; no message leaves this machine.[/]\n")


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


def said(report: Report, found: Findings, checked: Sequence[Checked], marks: Sequence[float]) -> RenderableType:
    """The figures on a screen; `marks` are the seconds at which set-up began, the season began and ended, and now."""
    set_up, played, counted = (round(end - start) for start, end in pairwise(marks))
    return Group(_worlds(report, found), _chains(report), _refusals(report), _account(checked), Text(
        f"Set-up {set_up} s, {report.runs} flow runs {played} s, report {counted} s.", style="dim"), "")


def _worlds(report: Report, found: Findings) -> RenderableType:
    table = _table(f"Two ways to count the same money, {report.currency}", "World", "Attribution\nclaims",
                   "The holdout\nfinds (95 %)", "Planted\ntruth", "It sees\nfrom", "Truth\nheld")
    for row in found.rows:
        verdict = _bare(row.lift.incremental, report) if row.lift.enough else "not enough data"
        table.add_row(f"[bold]{row.world}[/]", f"[yellow]{_bare(row.attributed, report)}[/]",
                      f"[bold cyan]{verdict}[/]\n[dim]{span(row.lift, report.currency).removesuffix(' ' + report.currency)}[/]",
                      _bare(row.planted, report), f"[dim]{_bare(row.seen, report)}[/]",
                      f"[dim]{row.covering} of {len(row.draws)}[/]" if row.draws else "")
    none, least = found.nothing, min(draw.attributed for draw in found.nothing.draws)
    return Group(table, Text.assemble(
        "Two chains that change ", ("nothing", "bold"), ", and attribution claims ",
        (money(found.claimed, report.currency), "bold yellow"), f" for them; for the win-back alone, never below "
        f"{money(least, report.currency)} under {len(none.draws)} seeds. The holdout's interval covers zero under ",
        (f"{none.covering} of {len(none.draws)}", "bold cyan"), ".\n"),
        Text(f"The win-back that works was planted for 90 % power ({percent(found.power, 0)} in the end); “it sees from” is "
             "the smallest effect that the holdout finds nine times of ten.\n", style="dim"))


def _bare(amount: float | None, report: Report) -> str:
    return money(amount, report.currency).removesuffix(" " + report.currency)


def _table(title: str, *names: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", padding=(0, 1), pad_edge=False, box=box.SIMPLE_HEAD)
    table.add_column(names[0])
    for name in names[1:]:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _chains(report: Report) -> Table:
    table = _table(f"Chains, cost in {report.currency}",
                   "Chain", "Enrolled", "Held out", "Sent", "Answered", "Goal", "Refused", "Cost")
    for row in report.figures.chains:
        counts = (row.enrolled, row.held_out, row.sent, row.responded, row.goal, row.dropped + row.deferred)
        table.add_row(row.chain.replace("_", " "), *map(count, counts), _bare(row.cost, report))
    return table


def _refusals(report: Report) -> RenderableType:
    total: dict[str, int] = {}
    for row in report.figures.refusals:
        total[row.reason] = total.get(row.reason, 0) + row.refusals
    words = "; ".join(f"{many:,} {REASONS.get(reason, reason)}" for reason, many in sorted(total.items(), key=lambda r: -r[1]))
    month = next(row for row in report.figures.pressure if row.window_days == 30)
    return Text.assemble(("Refused: ", "bold"), words or "nothing", ".\n", ("Pressure: ", "bold"),
                         f"{month.touched:,} of {month.contacts:,} contacts were touched in the last 30 days; the most weighs "
                         f"{month.most:g}.\n")


def _account(checked: Sequence[Checked]) -> RenderableType:
    if all(one.clean for one in checked):
        return Text.assemble(("Reconciled: ", "bold"), ("every contact is accounted for", "green"),
                             ", chain by chain and contact by contact.")
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
        ("The runs", f"RELANCE_HOME={home} make up\n"
                     "then open http://127.0.0.1:4200/v2/runs, or the address that it prints; the chains can be run from there"),
        ("Why this contact?", f"RELANCE_HOME={home} {bin_}/relance explain {contact}"),
        ("At a glance", f"RELANCE_HOME={home} {bin_}/relance status"),
        ("Any question", f'RELANCE_HOME={home} {bin_}/relance sql "SELECT reason, sum(refusals) AS refusals '
                         'FROM refusals_by_reason GROUP BY reason ORDER BY refusals DESC"'),
    ]
    return Text("\n").join(Text.assemble((name + "\n", "bold"), "\n".join(f"  {line}" for line in text.split("\n")))
                           for name, text in lines)
