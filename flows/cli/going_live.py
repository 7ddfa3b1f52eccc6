"""`relance go-live` and `relance backup`: the step after which messages reach people, and what must be kept."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.answering import FAILED, USAGE, WAITS, Answer, Refused, answers

__all__ = ["backup", "go_live"]


@answers
def go_live(
    yes: Annotated[bool, typer.Option("--yes", help="Do it, without asking once more.")] = False,
) -> Answer:
    """Go live: from then on messages reach real people. Lists what is missing, each with the command that mends it.

    Refuses until everything is there. house.toml and the ledger must both say live: writing it into the file alone stops
    every other command. Ends with 1 while something is missing, with 3 while it waits for your word.
    """
    from flows import wiring
    from flows.cli import running
    from flows.cli.doctor import shown
    from flows.cli.live_checkups import missing
    from flows.cli.showing import working
    from warehouse.environment import environment_of
    from warehouse.environment import go_live as make_live

    running.quiet_prefect()
    wired = wiring.wired(every=True, going_live=True)
    warehouse = wired.warehouse
    if environment_of(warehouse.ledger) == "live":
        return Answer({"live": True, "missing": 0, "findings": []}, [f"{warehouse.house.name} is live."])
    with working("looking at everything"):
        found = list(missing(os.environ, wired))
    faults = sum(one.state == "wrong" for one in found)
    lines: list[Any] = list(shown(found))
    if faults:
        lines[-1] = f"\n{warehouse.house.name} is not live: {faults} missing."
        if warehouse.house.live:
            lines.append('While house.toml says live and the ledger does not, nothing else runs: write environment = "test" '
                         "until all else is there.")
        return Answer({"live": False, "missing": faults, "findings": found}, lines, FAILED)
    if not (yes or _confirmed(warehouse.house.name, lines)):
        lines[-1] = "\nEverything is there. Messages reach real people from then on: relance go-live --yes"
        return Answer({"live": False, "missing": 0, "findings": found}, lines, WAITS)
    kept = {one.about: one.said for one in found if one.about in ("contacts", "consents", "seeds")}
    make_live(warehouse.ledger, running.who(), kept, now=warehouse.clock.now())
    lines[-1] = f"\n{warehouse.house.name} is live. Next: relance rehearse CHAIN, then relance pass CHAIN"
    return Answer({"live": True, "missing": 0, "findings": found}, lines)


@answers
def backup(
    folder: Annotated[Path | None, typer.Argument(help="Where to; parts that are there already are not copied again.",
                                                  show_default=False)] = None,
    noted: Annotated[bool, typer.Option("--noted", help="Only write down that a backup was made by other means, as "
                                                        "PostgreSQL's own.")] = False,
) -> Answer:
    """Copy ledger, inbox, settings and parts into a folder, while everything goes on; the copy is a home to start from.

    The secret key is not copied: keep it apart. Parts in a bucket stay there.
    """
    from flows.cli import running
    from flows.cli.showing import working
    from warehouse.backing_up import back_up, note_backup

    if (folder is None) is not noted:
        raise Refused("relance backup takes a FOLDER to copy into, or --noted.", USAGE)
    wired = running.opened()
    if folder is None:
        made = note_backup(wired.warehouse.ledger, running.who(), "noted", now=wired.warehouse.clock.now())
        return Answer({"backup": made}, ["Noted: a backup was made by other means."])
    if folder.absolute() == wired.warehouse.home:
        raise Refused(f"{folder} is the home itself; give another folder, best on another disk.", USAGE)
    with working("copying"):
        made = back_up(wired.warehouse, folder, running.who(), now=wired.warehouse.clock.now())
    return Answer({"backup": made, "folder": str(folder)}, [
        f"Copied into {folder}: ledger, inbox, settings and {made.parts:,} new parts. The secret key is not in it."])


def _confirmed(name: str, lines: list[Any]) -> bool:
    """Whether somebody at a terminal types the house's name, after reading what was found."""
    from flows.cli.showing import show

    if not (sys.stdin.isatty() and sys.stdout.isatty()) or "--json" in sys.argv:
        return False
    for line in lines[:-1]:
        show(line)
    lines[:-1] = []
    return typer.prompt(f"Messages will reach real people. Type the name of the house ({name})", default="") == name
