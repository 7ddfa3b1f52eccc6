"""`relance replay`: a past pass made again, as it was or with a change."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.answering import FAILED, USAGE, Answer, Refused, answers

__all__ = ["replay"]

#: What --with takes, by its first word.
_ACCEPTED = "accepted: policy=FILE.toml, chain=FOLDER"


@answers
def replay(
    run: Annotated[str, typer.Argument(help="The pass: its run's id, the beginning of it, or its name.", show_default=False)],
    other: Annotated[list[str] | None, typer.Option("--with", metavar="WHAT=FILE", show_default=False, help=(
        "Make it with another policy (policy=FILE.toml) or another chain (chain=FOLDER)."))] = None,
) -> Answer:
    """Make a past pass again from what it read, and compare.

    Nothing is moved or sent. Without --with it ends with 1 where anything differs from what the pass did.
    """
    from flows.cli import running
    from flows.cli.showing import working

    running.quiet_prefect()
    from flows import replaying

    change = _change(other or [])
    wired = running.opened()
    with working(f"replaying {run}") as tell:
        made = replaying.replay(wired, run, change, run=running.run_of_own("replay")["run"], progress=tell)
    changed = bool(other)
    shown = [*_head(made, wired.warehouse.house.zone), *(_changed(made) if changed else _compared(made))]
    found = made.compared
    record = {
        "run": made.run, "chain": made.chain, "as_of": made.as_of, "slices": made.slices, "with": other or [],
        "equal": found.equal, "rows": found.rows, "differing": found.differing, "erased": found.erased,
        "verdicts": found.verdicts, "shown": found.shown, "changed_messages": made.messages}
    return Answer(record, shown, 0 if changed or found.equal else FAILED)


def _change(given: list[str]) -> Any:
    """What --with says. Raises Refused, SettingsError, BrokenChain."""
    from flows.replaying import Change, written_otherwise
    from marketing.policy import Policy

    found: dict[str, Any] = {}
    for one in given:
        what, equals, path = one.partition("=")
        if not equals or not path or what not in ("policy", "chain"):
            raise Refused(f"--with {one!r}; {_ACCEPTED}.", USAGE)
        found[what] = Policy.read(path) if what == "policy" else written_otherwise(Path(path))
    return Change(**found)


def _head(made, zone: str) -> list[str]:
    from flows.cli.showing import moment

    told = [f"{made.chain}, {moment(made.as_of, zone)} ({zone}), {made.slices:,} slice{'s' if made.slices > 1 else ''}."]
    if made.compared.erased:
        told.append(f"{made.compared.erased:,} contacts have left the base since: left out on both sides.")
    if made.messages:
        told.append(f"Messages that have changed since: {', '.join(made.messages)}. A replay prints none.")
    return told


def _compared(made) -> list[Any]:
    """Whether the pass was made again row for row; else the first rows that differ."""
    from flows.cli.showing import table

    found = made.compared
    rows = [(kind, found.rows[kind], found.differing[kind]) for kind in found.rows]
    shown: list[Any] = [table(["Rows", "Of the pass#", "That differ#"], rows)]
    if found.equal:
        return [*shown, "The same, row for row. Next: relance replay RUN --with policy=FILE.toml shows what another policy "
                        "would have done."]
    for kind, some in found.shown.items():
        if some:
            shown.append(table(["", *(name for name in some[0] if name != "side")],
                               [tuple(row.values()) for row in some], title=f"The first {kind} that differ"))
    return [*shown, "Not the same: the code has changed since, or this is a defect. Next: relance explain with a contact's "
                    "number (the last 36 bits of its enrolment)."]


def _changed(made) -> list[Any]:
    """What became of whom at each step, then and with the change."""
    from flows.cli.showing import table

    if not made.compared.verdicts:
        return ["The change makes no difference to this pass."]
    rows = [(one.step or "(entry)", "way" if one.move else "message", one.live or "nothing", one.replayed or "nothing",
             one.contacts, ", ".join(map(str, one.such_as))) for one in made.compared.verdicts]
    return [table(["Step", "What", "In the pass", "With the change", "Contacts#", "Such as"], rows),
            "Next: relance explain CONTACT tells the story of one of them."]
