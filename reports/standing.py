"""The status artifact: the house at a glance, in Markdown that both browser interfaces show; counts, nobody's data."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from marketing.alarms import Alarm
from marketing.calendar import local
from warehouse.watching import Standing

__all__ = ["standing"]

#: As reports.words has it; that module takes a second of statistics to load, which this page has no need of.
NOTHING = "–"


def standing(house: str, zone: str, seen: Standing, alarms: Sequence[Alarm], left_alone: Sequence[str] = (),
             banner: str = "") -> str:
    """The Markdown of the house's state. left_alone: names of runs that say they run, and that the ledger does not know;
    banner: what is to be said of the environment before all else."""
    parts = [f"# {house}", *([f"> **{banner}**"] if banner else [])]
    parts += [f"{_moment(seen.now, zone)}, all times in {zone}.", _alarms(alarms)]
    parts += [f"**STOPPED:** {stop.told(zone)}." for stop in seen.ordered]
    parts += ["## Chains", _table(
        ["Chain", "Active", "Due now", "Next due", "Next pass", "Last pass", "It ended"],
        ([_words(row["chain"]), count(row["active"]), _due(row), _moment(row["next_due"], zone), _moment(row["next_pass"], zone),
          _moment(row["last_pass"] and row["last_pass"]["as_of"], zone), _ended(row)] for row in seen.chains),
        "No pass has run yet.")]
    if seen.awaiting:
        parts += ["## Waves that wait for approval", _table(
            ["Wave", "Chain", "Contacts", "At most", "Lapses"],
            ([str(row["wave"]), _words(row["chain"]), count(row["contacts"]), f"{row['cost']:,.2f}",
              _moment(row["lapses_at"], zone)] for row in seen.awaiting), "None.")]
    parts += ["## Outbox and connectors", _table(
        ["Connector", "Waiting", "Being sent", "Unknown", "Stuck", "State"],
        ([row["connector"], count(row["planned"]), count(row["sending"]), count(row["unknown"]), count(row["stuck"]),
          # What the provider said is read where the house is: it may repeat an address.
          f"**stopped** ({row['stopped'].partition(':')[0]})" if row["stopped"] else _healthy(row)]
         for row in seen.connectors), "No connector.")]
    parts += ["## Sources", _table(
        ["Source", "Loaded", "Rows", "Rejected", "State"],
        ([row["source"], _moment(row["loaded_at"], zone), count(row["rows"]), count(row["rejected"]), _source(row)]
         for row in seen.sources), "Nothing was loaded yet.")]
    parts += ["## Runs of the last day", _table(
        ["Run", "Completed", "Failed", "Crashed", "Cancelled", "Latest"],
        ([_words(row["chain"] or row["kind"]), *(count(row[state]) for state in ("completed", "failed", "crashed", "cancelled")),
          _moment(row["latest"], zone)] for row in seen.runs), "None.")]
    if seen.inbox:
        parts.append(f"{count(seen.inbox)} responses wait in the inbox.")
    if left_alone:
        parts.append(f"Running, and not known to the ledger: {', '.join(left_alone)}. If nothing of them runs, cancel them.")
    return "\n\n".join(parts) + "\n"


def count(number: int | None) -> str:
    """1,234."""
    return NOTHING if number is None else f"{number:,}"


def _healthy(row: dict) -> str:
    """Healthy, and how much of its day's ceiling is used where it has one."""
    return f"healthy, {count(row['handed_today'])} of {count(row['daily_ceiling'])} today" if row["daily_ceiling"] else "healthy"


def _alarms(alarms: Sequence[Alarm]) -> str:
    return _table(["Alarm", "Of", "Now", "Limit", "What to do"], (
        [_words(alarm.kind), alarm.what, alarm.value, alarm.limit, alarm.advice] for alarm in alarms), "**No alarm.**")


def _due(row: dict) -> str:
    at = ", ".join(map(_words, row["due_at_steps"]))
    return f"**overdue** at {at}" if row["overdue"] and row["overdue"].total_seconds() >= 3600 else at or NOTHING


def _ended(row: dict) -> str:
    if row["paused"]:
        return "paused"
    if not row["last_pass"]:
        return NOTHING
    return "waits for its sources" if row["last_pass"]["waits_for"] else row["last_pass"]["state"]


def _source(row: dict) -> str:
    return f"**{row['wrong']}**: {', '.join(map(_words, row['stale_for']))} waits" if row["wrong"] else "fresh"


def _moment(instant: datetime | None, zone: str) -> str:
    return NOTHING if instant is None else f"{local(instant, zone):%Y-%m-%d %H:%M}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], otherwise: str) -> str:
    lines = [list(head), ["---"] * len(head), *map(list, rows)]
    if len(lines) == 2:
        return otherwise
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _words(name: str) -> str:
    return name.replace("_", " ")
