"""Stop: what a person has named leaves no more; then it is said what had left by then."""

from outbox.wired import Wired
from tasks.telling import tell
from warehouse import stopping
from warehouse.journal import MACHINE, TYPED, Who

__all__ = ["stop", "who_says"]


def who_says(name: str, starter: str | None) -> Who:
    """Who ordered something in a form: the name typed there, else what is known of the run's start."""
    return Who(name.strip(), TYPED) if name.strip() else Who(starter or "unnamed", MACHINE)


def stop(wired: Wired, scope: str, name: str, who: Who, why: str, run: str) -> stopping.Account:
    """Order the stop and wait for what is with a provider; raises NoSuchScope where there is nothing of that name."""
    stopping.known(wired.warehouse, scope, name)
    account = stopping.stop_now(wired.warehouse, scope, name, who, why=why, wall=wired.wall)
    counts = {"stop": account.stop.id, "left": account.left, "not_left": account.not_left}
    tell("stop", run=run, state="completed", summary=counts)
    return account
