"""The environment of a ledger: what it was made for, kept in it, and the one way by which it goes live."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from marketing.environment import LIVE
from warehouse import journal, schema

__all__ = ["WrongEnvironment", "environment_of", "go_live", "hold"]

_KEY = schema.meta.c.key == "environment"
#: What a new ledger is of where house.toml says live: no ledger is born so.
_BORN = "test"


class WrongEnvironment(Exception):
    """The ledger belongs to another environment than house.toml says."""


def environment_of(ledger) -> str | None:
    """The environment that a ledger was made for, or went to; None where nobody has opened it for a house yet."""
    with ledger.read() as tx:
        return tx.execute(sa.select(schema.meta.c.value).where(_KEY)).scalar()


def hold(ledger, environment: str, *, going_live: bool = False) -> None:
    """Write the environment into a new ledger; refuse a ledger of another one.

    A new ledger is never live, whatever house.toml says: `go_live` alone makes it so. `going_live` opens one that house.toml
    says is live and that is not yet, to look at what is missing. Raises WrongEnvironment.
    """
    known = environment_of(ledger)
    if known is None:
        with ledger.begin() as tx:
            born = _BORN if environment == LIVE else environment
            ledger.put(tx, schema.meta, {"key": "environment", "value": born}, replace=False)
        known = environment_of(ledger)
    if known == environment or (going_live and environment == LIVE):
        return
    if environment == LIVE:
        raise WrongEnvironment(f"house.toml says environment = {environment!r}, but this ledger is of {known!r}: a house is not "
                               "live because a file says so. What is missing, and the step itself: relance go-live")
    raise WrongEnvironment(f"house.toml says environment = {environment!r}, but this ledger is of {known!r}; "
                           "each environment has a ledger and a home of its own.")


def go_live(ledger, who: journal.Who, what: Mapping[str, Any], *, now: datetime) -> None:
    """From now on messages of this ledger reach real people; written into the journal with it. Raises WrongEnvironment
    where the ledger is of another environment than test."""
    with ledger.begin() as tx:
        done = tx.execute(sa.update(schema.meta).where(_KEY, schema.meta.c.value == _BORN).values(value=LIVE))
        if done.rowcount != 1:
            raise WrongEnvironment("only a ledger of 'test' goes live: a demo's people are invented, and what is live stays so.")
        ledger.put(tx, schema.meta, {"key": "live_since", "value": now.isoformat()})
        journal.write(ledger, tx, who, "go live", what, now=now)
