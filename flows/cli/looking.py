"""`relance status` and `relance sql`: the house at a glance, and any question about it."""

from typing import Annotated, Any

import typer

from flows.cli.answering import USAGE, Answer, Refused, answers

__all__ = ["sql", "status"]

#: Rows that are printed for people; --json prints all.
SHOWN = 200


@answers
def status() -> Answer:
    """Show the house at a glance: chains, connectors, outbox, sources."""
    from flows.cli import running
    from flows.cli.showing import age, moment, table
    from warehouse.engine import statement
    from warehouse.inbox import Inbox
    from warehouse.overview import chains_now, outbox_now, sources_now
    from warehouse.runs import mark_crashed
    from warehouse.stops import stops

    wired = running.opened()
    warehouse, house, now = wired.warehouse, wired.warehouse.house, wired.warehouse.clock.now()
    ledger, zone = warehouse.ledger, house.zone
    mark_crashed(ledger, wired.wall())
    box = Inbox(warehouse)
    waiting = box.size()
    box.close()
    with warehouse.snapshot() as snapshot:
        unknown = snapshot.sql(statement("explaining/unknown_touches")).to_pylist()
    simulated = warehouse.clock.simulated() is not None
    found = {
        "house": house.name, "environment": house.environment, "zone": zone, "now": now, "simulated_clock": simulated,
        "chains": chains_now(ledger, now, zone), "connectors": _connectors(wired, outbox_now(ledger), stops(ledger), unknown),
        "unknown_touches": unknown, "inbox": waiting, "sources": [
            {**row, "age_seconds": (now - row["loaded_at"]).total_seconds()} for row in sources_now(ledger)],
    }
    head = (f"{house.name}, environment {house.environment}, {moment(now, zone)}{' (simulated)' if simulated else ''}. "
            f"Times in {zone}.")
    shown: list[Any] = [head, _chains(found["chains"], zone), table(
        ["Connector", "Channels", "Waiting#", "Being sent#", "Receipts to file#", "Unknown#", "Stopped"],
        [(row["connector"], ", ".join(row["channels"]), row["planned"], row["sending"], row["settled"], row["unknown"],
          row["stopped"] or "no") for row in found["connectors"]])]
    shown.append(table(["Source", "Loaded", "Age", "Newest row", "Rows#", "Rejected#", "Confirmed"], [
        (row["source"], moment(row["loaded_at"], zone), age(row["loaded_at"], now), moment(row["newest_at"], zone),
         row["rows"], row["rejected"], "yes" if row["confirmed"] else "no: relance load … --confirm")
        for row in found["sources"]]) if found["sources"] else "Nothing was loaded yet. Next: relance load contacts FILE")
    if waiting:
        shown.append(f"{waiting:,} responses in the inbox. Next: relance collect")
    return Answer(found, shown)


def _chains(rows: list[dict], zone: str) -> Any:
    from flows.cli.showing import moment, table

    if not rows:
        return "No pass has run yet. Next: relance pass CHAIN"
    return table(["Chain", "Active#", "Due at", "Next due", "Last pass", "State", "It said"], [
        (row["chain"], row["active"], ", ".join(row["due_at_steps"]) or "–", moment(row["next_due"], zone),
         *((moment(row["last_pass"]["as_of"], zone), "paused" if row["paused"] else row["last_pass"]["state"],
            row["paused"] or row["last_pass"]["said"])
           if row["last_pass"] else ("–", "–", "–"))) for row in rows])


def _connectors(wired, outbox: dict, stopped: dict, unknown: list[dict]) -> list[dict]:
    channels = wired.warehouse.house.channels
    return [{"connector": name, "channels": sorted(channel for channel, by in channels.items() if by == name),
             **{state: outbox.get(name, {}).get(state, 0) for state in ("planned", "sending", "settled")},
             "unknown": sum(row["touches"] for row in unknown if row["connector"] == name), "stopped": stopped.get(name)}
            for name in sorted({*wired.connectors, *outbox, *stopped})]


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

    try:
        answer = ask(running.opened().warehouse, query)
    except NotAQuestion as error:
        raise Refused(str(error), USAGE) from None
    except duckdb.Error as error:
        raise Refused(f"DuckDB: {str(error).strip()}", USAGE) from None
    columns, rows = answer.column_names, answer.to_pylist()
    shown: list[Any] = [table(columns, [list(row.values()) for row in rows[:SHOWN]])]
    if len(rows) > SHOWN:
        shown.append(f"{len(rows):,} rows, the first {SHOWN} are shown; --json prints all.")
    return Answer({"columns": columns, "rows": rows}, shown)
