"""`relance doctor`: what is wrong with this installation, and the command that mends it."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flows.cli.answering import FAILED, Answer, answers
from flows.cli.findings import Finding, wrong

__all__ = ["doctor", "examined", "shown"]

_MARKS = {"good": "✓", "wrong": "✗", "remark": "•"}


@answers
def doctor() -> Answer:
    """Say what is wrong with this installation, and the command that mends it.

    Changes nothing but what every command does: a ledger of an older version is brought up to date.
    Ends with 1 when something is wrong.
    """
    from flows.cli import running
    from flows.cli.showing import working

    running.quiet_prefect()
    with working("looking at everything"):
        found = list(examined(os.environ, _opened))
    faults = sum(one.state == "wrong" for one in found)
    return Answer({"well": not faults, "findings": found}, list(shown(found)), FAILED if faults else 0)


def _opened() -> Any:
    from flows import wiring

    return wiring.wired(every=True)  # so that one connector that cannot be made is found apart from the others


def examined(environ: Any, opened: Callable[[], Any]) -> Iterator[Finding]:
    """Every finding: of what stands before the installation, of the installation, of its Prefect server."""
    from flows.cli.chain_checkups import MOVING
    from flows.cli.checkups import BEFORE, INSIDE, cannot_open
    from flows.cli.server_checkups import served

    readable = True
    for check in BEFORE:
        for finding in safely(check, environ):
            readable &= finding.state != "wrong" or finding.about not in ("house.toml", "policy.toml")
            yield finding
    if not readable:
        return
    try:
        wired = opened()
    except Exception as error:
        yield cannot_open(error)
        return
    for check in (*INSIDE, *MOVING):
        yield from safely(check, wired)
    yield from safely(served, environ, wired)


def safely(check: Callable[..., Iterable[Finding]], *given: Any) -> Iterator[Finding]:
    """The findings of a check; one that fails is a finding itself, and the others go on."""
    try:
        yield from check(*given)
    except Exception as error:
        yield wrong(check.__name__.replace("_", " "), f"could not be looked at: {type(error).__name__}: {error}",
                    "relance doctor --debug")


def shown(found: list[Finding]) -> Iterator[str]:
    """The findings as lines, those to be mended with their commands, and a last line that sums up."""
    for one in found:
        yield f"{_MARKS[one.state]} {one.about}: {one.said}"
        if one.mend:
            yield f"    {one.mend}"
    faults = sum(one.state == "wrong" for one in found)
    yield f"\n{faults} to mend." if faults else "\nAll is well."
