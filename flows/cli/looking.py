"""`relance status` and `relance sql`: the house at a glance, and any question about it."""

import re
from dataclasses import asdict
from typing import Annotated, Any

import typer

from flows.cli.answering import USAGE, Answer, Refused, answers

__all__ = ["sql", "status"]

#: Rows that are printed for people; --json prints all.
SHOWN = 200
#: A question that names this view may be answered with names and addresses.
_PEOPLE = re.compile(r"\bcontacts\b", re.IGNORECASE)


@answers
def status() -> Answer:
    """Show the house at a glance: alarms, chains, connectors, outbox, sources, runs.

    The same stands in the browser, in the artifact "status" of the flow watch.
    """
    from flows.cli import running
    from flows.cli.showing import moment
    from flows.deployments import sound
    from marketing.alarms import alarms
    from warehouse.runs import mark_crashed
    from warehouse.watching import facts, look

    wired = running.opened()
    warehouse, house = wired.warehouse, wired.warehouse.house
    mark_crashed(warehouse.ledger, wired.wall())
    seen = look(warehouse, wired.connectors, {chain.name: chain.sources for chain in sound()[0]}, wired.wall())
    found, simulated = alarms(facts(seen), warehouse.policy.alarms), warehouse.clock.simulated() is not None
    clock = f"{moment(seen.now, house.zone)}{' (simulated)' if simulated else ''}"
    head = f"{house.name}, environment {house.environment}, {clock}. Times in {house.zone}."
    held = [f"STOPPED: {one.told(house.zone)}." for one in seen.ordered]
    shown = [*filter(None, [house.banner]), head, *held, *_alarms(found), _chains(seen.chains, house.zone),
             _connectors(seen.connectors), _sources(seen, house.zone), *_runs(seen.runs, house.zone)]
    if seen.inbox:
        shown.append(f"{seen.inbox:,} responses in the inbox. Next: relance collect")
    return Answer({
        "house": house.name, "environment": house.environment, "zone": house.zone, "now": seen.now, "simulated_clock": simulated,
        "alarms": [asdict(alarm) for alarm in found], "chains": [_plain(row) for row in seen.chains],
        "stops": seen.ordered, "connectors": seen.connectors, "complaints": seen.complaints, "unknown_touches": seen.unknown,
        "inbox": seen.inbox, "sources": seen.sources, "runs": seen.runs}, shown)


def _plain(row: dict) -> dict:
    return {**row, "overdue": row["overdue"] and row["overdue"].total_seconds()}


def _alarms(found: list) -> list[Any]:
    from flows.cli.showing import table

    return [table(["Alarm", "Of", "Now", "Limit", "What to do"], [
        (alarm.kind.replace("_", " "), alarm.what, alarm.value, alarm.limit, alarm.advice) for alarm in found])] if found else []


def _chains(rows: list[dict], zone: str) -> Any:
    from flows.cli.showing import moment, table

    if not rows:
        return "No pass has run yet. Next: relance pass CHAIN"
    return table(["Chain", "Active#", "Due at", "Next due", "Next pass", "Last pass", "State", "It said"], [
        (row["chain"], row["active"], ", ".join(row["due_at_steps"]) or "–", moment(row["next_due"], zone),
         moment(row["next_pass"], zone), *(
             (moment(row["last_pass"]["as_of"], zone), "paused" if row["paused"] else row["last_pass"]["state"],
              row["paused"] or row["last_pass"]["said"]) if row["last_pass"] else ("–", "–", "–"))) for row in rows])


def _connectors(rows: list[dict]) -> Any:
    from flows.cli.showing import table

    return table(["Connector", "Channels", "Waiting#", "Being sent#", "Receipts to file#", "Unknown#", "Stuck#", "Today",
                  "Stopped"], [
        (row["connector"], ", ".join(row["channels"]), row["planned"], row["sending"], row["settled"], row["unknown"],
         row["stuck"], f"{row['handed_today']:,} of {row['daily_ceiling']:,}" if row["daily_ceiling"] else "no ceiling",
         row["stopped"] or "no") for row in rows])


def _sources(seen: Any, zone: str) -> Any:
    from flows.cli.showing import age, moment, table

    if not seen.sources:
        return "Nothing was loaded yet. Next: relance load contacts FILE"
    return table(["Source", "Loaded", "Age", "Newest row", "Rows#", "Rejected#", "Confirmed", "Who waits for it"], [
        (row["source"], moment(row["loaded_at"], zone), row["loaded_at"] and age(row["loaded_at"], seen.now),
         moment(row["newest_at"], zone), row["rows"], row["rejected"],
         "yes" if row["confirmed"] else "–" if row["confirmed"] is None else "no: relance load … --confirm",
         ", ".join(row["stale_for"]) or "–") for row in seen.sources])


def _runs(rows: list[dict], zone: str) -> list[Any]:
    """Of the runs of the last day those of which any did not end well."""
    from flows.cli.showing import moment, table

    ill = [row for row in rows if row["failed"] or row["crashed"] or row["cancelled"]]
    return [table(["Runs of the last day", "Completed#", "Failed#", "Crashed#", "Cancelled#", "Latest"], [
        (row["chain"] or row["kind"], row["completed"], row["failed"], row["crashed"], row["cancelled"],
         moment(row["latest"], zone)) for row in ill])] if ill else []


@answers
def sql(
    query: Annotated[str, typer.Argument(help='Such as "select chain, count(*) from enrolments group by all"; '
                                              '"show tables" lists the views.', show_default=False)],
) -> Answer:
    """Ask anything of the present moment, in DuckDB's SQL; nothing can be changed.

    One statement: SELECT, WITH, FROM, DESCRIBE, SHOW or SUMMARIZE, over the views of docs/sql.md. Times are UTC.
    """
    import duckdb

    from flows.cli import running
    from flows.cli.showing import table
    from warehouse.asking import NotAQuestion, ask

    wired = running.opened()
    try:
        answer = ask(wired.warehouse, query)
    except NotAQuestion as error:
        raise Refused(str(error), USAGE) from None
    except duckdb.Error as error:
        raise Refused(f"DuckDB: {str(error).strip()}", USAGE) from None
    if answer.num_rows and _PEOPLE.search(query):  # the question itself may name somebody: it is not kept
        running.noted(wired, "export", {"rows": answer.num_rows})
    columns, rows = answer.column_names, answer.to_pylist()
    shown: list[Any] = [table(columns, [list(row.values()) for row in rows[:SHOWN]])]
    if len(rows) > SHOWN:
        shown.append(f"{len(rows):,} rows, the first {SHOWN} are shown; --json prints all.")
    return Answer({"columns": columns, "rows": rows}, shown)
