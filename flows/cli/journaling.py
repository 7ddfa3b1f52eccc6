"""`relance journal`: what people did, and whether anybody has changed what is written of it."""

from typing import Annotated, Any

import typer

from flows.cli.answering import FAILED, USAGE, Answer, Refused, answers

__all__ = ["journal"]


@answers
def journal(
    since: Annotated[str | None, typer.Option("--since", metavar="WHEN", show_default=False, help=(
        "Only from this date or time on, in the house's zone."))] = None,
    act: Annotated[str | None, typer.Option("--act", metavar="ACT", show_default=False, help=(
        'Only acts of this kind, such as run, approve, look-up, "policy changed".'))] = None,
    last: Annotated[int, typer.Option("--last", metavar="N", min=1, help="The latest so many.")] = 50,
    check: Annotated[bool, typer.Option("--check", help="Only say whether every seal holds.")] = False,
) -> Answer:
    """Show what people did: who, when, what and why; ids, never a contact's name or address.

    Each entry is sealed together with the one before it. With --check it ends with 1 where one was changed or is missing.
    """
    from flows.cli import running
    from warehouse.journal import broken, entries

    wired = running.opened()
    ledger, zone = wired.warehouse.ledger, wired.warehouse.house.zone
    if check:
        said, many = broken(ledger), len(entries(ledger))
        shown = f"The journal was changed by another hand: {said}." if said else f"{many:,} entries, every seal holds."
        return Answer({"sound": not said, "broken": said or None, "entries": many}, [shown], FAILED if said else 0)
    found = entries(ledger, since=_moment(since, zone), act=act, last=last)
    return Answer({"entries": found}, _shown(found, zone))


def _moment(since: str | None, zone: str) -> Any:
    from marketing.calendar import read_moment, utc

    instant = read_moment(since, zone) if since else None
    if since and instant is None:
        raise Refused(f"--since {since!r} is no time; accepted: 2026-11-24 or 2026-11-24T14:30 ({zone}).", USAGE)
    if since and len(since.strip()) == len("2026-11-24"):  # a date is that of its midnight
        from datetime import datetime

        instant = utc(datetime.fromisoformat(since.strip()), zone)
    return instant


def _shown(found: list[Any], zone: str) -> list[Any]:
    from flows.cli.showing import moment, table

    if not found:
        return ["Nobody has done anything of that kind."]
    return [table(["n#", "When", "Who", "Known by", "Act", "What", "Why"], [
        (one.n, moment(one.at, zone), one.who, one.known, one.act,
         ", ".join(f"{name} {value}" for name, value in one.what.items() if value not in (None, "")), one.why or "–")
        for one in found]), f"Times in {zone}."]
