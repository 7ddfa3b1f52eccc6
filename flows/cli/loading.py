"""`relance load`: files become contacts, orders, consents, suppressions."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.answering import WAITS, Answer, answers

__all__ = ["load"]

Kind = StrEnum("Kind", {name: name for name in ("contacts", "orders", "consents", "suppressions")})


@answers
def load(
    kind: Annotated[Kind, typer.Argument(help="What the rows of the file are.", show_default=False)],
    path: Annotated[Path, typer.Argument(help="A CSV or Parquet file.", show_default=False)],
    confirm: Annotated[bool, typer.Option("--confirm", help="Load an unusual size, or with over 1 % rejected.")] = False,
) -> Answer:
    """Load a file: contacts, orders, consents or suppressions.

    Says what it understood. The same file again changes nothing; bad rows go to a rejects file, ready to be corrected.
    Ends with 3 when the file is held, or its rows wait for --confirm.
    """
    from flows.cli import running
    from flows.cli.showing import working

    with working(f"loading {path.name}") as tell:
        if running.served():
            report = running.run_flow(_flow, kind=str(kind), path=str(path.absolute()), confirm=confirm)
        else:
            running.quiet_prefect()
            from flows.load import load_file

            report = load_file(running.opened(), str(kind), path, confirm=confirm, **running.run_of_own("load"),
                               progress=lambda done, total, what: tell(done, total, what))
    waits = bool(report.held) or not report.confirmed
    shown = [str(report)]
    if waits:
        shown.append(f"Next: relance load {kind} {path} --confirm")
    return Answer(report, shown, WAITS if waits else 0)


def _flow():
    from flows.load import load as flow

    return flow
