"""docs/benchmarks.md: machine, versions, command, table, and how to read it."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

__all__ = ["page"]

LIBRARIES = ("duckdb", "sqlalchemy", "pyarrow", "prefect", "jinja2")
HEAD = "| row | what | engine | floor | figure | target | |\n| ---: | --- | --- | --- | --- | --- | --- |"


def page(bench, command: str) -> str:
    """The page as Markdown; no path of the machine, no name of it."""
    lines = [f"| {one.row} | {one.what} | {one.engine} | {one.floor} | {one.figure} | {one.target} | {_held(one.holds)} |"
             for one in bench.lines]
    return "\n".join(["# Benchmarks", "", *_taken(command), "", HEAD, *lines, "", *_text(bench), ""])


def _taken(command: str) -> list[str]:
    load = os.getloadavg()[2]
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return [f"`{command}` (or `make bench`) wrote this page on {datetime.now(UTC):%d %B %Y}: {os.cpu_count()} cores "
            f"({_chip()}), {_memory():.0f} GB, {platform.system()}, Python {platform.python_version()}, {versions}. "
            f"The machine's load over the last quarter of an hour was {load:.1f}" +
            (": other work ran beside this, so walls say little and the ratios of CPU are what counts."
             if load > os.cpu_count() else ".")]


def _text(bench) -> list[str]:
    return [
        "## How to read it",
        "Each measurement runs in a process of its own, and counts the CPU of that process, all its threads and its "
        "children; loading modules is left out, opening databases is not. Engine and floor take turns; ratios are "
        "medians of the rounds' own ratios (three, one at ten million contacts), because both of a round meet the same "
        "machine. CPU-s are seconds of CPU, s are seconds on the wall, MB the largest resident memory of a process.",
        "",
        "The floor of rows 1 and 2 is `benchmarks/floor/`: the same chain as plain SQL with updates on one DuckDB file. "
        "It asks the same gate the same questions (latest moment, address, suppression, consent by purpose and channel "
        "with its history, customers, one message an address, hours by zone, two caps over the touches of all chains, "
        "holdout), takes in the same orders and objections between the passes, keeps every refusal with its reason, and "
        "writes the relation once. It keeps no history of moves, no batches, leases, versions or receipts per touch, and "
        "one process at a time may use it. In every round touches (contact, step), refusals (contact, step, reason) and "
        "final places of both are compared as sets, rows and all: a difference ends the run. The floor is never changed "
        "together with the engine.",
        "",
        "Row 1 measures three passes at day 0, 7 and 21 with what they send, through a connector that takes everything "
        "at once. What the gate knows of each contact (`standing`) is derived after a load in real life; here the first pass "
        "derives it, inside the measurement, since the floor has nothing of the kind" +
        _standing_share(bench) + ". The engine takes one thread where no slice holds 250,000 contacts, else two; the floor "
        "always two.\nRow 2 adds a 9 KB page (an SMS for the reminder): its floor is the floor of row 1 plus "
        "bare sandboxed Jinja over the same rows, keeping no receipt; the engine also seals tokens, derives the text part, "
        "and keeps a receipt per touch.\nRow 5 is the wall of a flow run less the wall of the same pass called as a "
        "function with the drawing of its figures (which the first pass of a process pays for with loading the drawing "
        "libraries).\nRow 6 starts with everybody at a step and nobody due; it is held to the wall of an empty flow, as row 5 "
        "is; its CPU is shown beside it: settings, ledger, the form's parameters. What Prefect loads for a flow "
        "with parameters is loaded before, like all modules. Its second line is one process that makes a run of each of ten "
        "chains in turn, as one that serves them does.\nRow 7 takes responses without the HTTP door; the wait beside a pass "
        "is that of eight callers who pause 10 ms after each response, and the pass another process. In "
        "row 8 the process is killed by SIGKILL inside its ledger transaction; the clock starts with the new process and "
        "includes Python's own start, and afterwards the same pass takes in everybody.\nRow 9 rehearses everybody who has "
        "ordered through the six contacts of the loyalty chain, on a branch, to the end of the goal's window: every pass, "
        "hand-over, answer and interval; afterwards the ledger holds what it held before.",
    ]


def _standing_share(bench) -> str:
    for contacts, pair in sorted(bench.passes.items(), reverse=True):
        spent = [cpu for cpu, _ in pair["engine"]["sections"]]
        derived = pair["engine"]["result"]["standing"]
        return (f": {100 * derived[0] / spent[0]:.0f} % of that pass at {contacts:,} contacts and "
                f"{100 * sum(derived) / sum(spent):.0f} % of all three (CPU-s of the passes: "
                + ", ".join(f"{one:.2f}" for one in spent) + ")")
    return ""


def _held(holds: bool | None) -> str:
    return {True: "holds", False: "**misses**", None: ""}[holds]


def _chip() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
