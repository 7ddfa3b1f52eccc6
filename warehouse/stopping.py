"""Stopping: after a stop of somebody's, what has left and what has not; and what a release lets go."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from warehouse import journal, schema
from warehouse.engine import statement
from warehouse.folding import fold_receipts
from warehouse.passing.gate import MADE
from warehouse.schema import batch
from warehouse.stops import SCOPES, Stop, end, of_scope, order, ordered, standing
from warehouse.withdrawing import close_wave, empty_wave, withdraw

__all__ = ["PATIENCE", "Account", "NoSuchScope", "NoSuchStop", "Released", "chosen", "known", "let_go", "stop_now",
           "waiting", "withdraw_now"]

#: Seconds that a stop waits for what is with a provider at its moment.
PATIENCE = 30.0


class NoSuchScope(LookupError):
    """What is to be stopped is not there."""


class NoSuchStop(LookupError):
    """No stop of that number or scope stands."""


@dataclass(frozen=True)
class Account:
    """Touches of a stop's scope, at every step and wave of which anything had not left at the stop: by outcome, and still here.

    `in_flight` were with a provider when the stop came. Of those, `still_with_provider` had no answer at the end of the
    waiting; `silent` are those whose sender had died before: nobody knows yet.
    """

    stop: Stop
    new: bool
    in_flight: int
    still_with_provider: int
    silent: int
    sends: list[dict] = field(default_factory=list)  #: one per chain, step and wave: planned, outcomes, not_left

    @property
    def outcomes(self) -> dict[str, int]:
        """Touches by what came of them."""
        found: dict[str, int] = {}
        for send in self.sends:
            for outcome, many in send["outcomes"].items():
                found[outcome] = found.get(outcome, 0) + many
        return found

    @property
    def left(self) -> int:
        """Touches that have left, or may have."""
        return sum(many for outcome, many in self.outcomes.items() if outcome in MADE)

    @property
    def not_left(self) -> int:
        """Touches that are kept back here."""
        return sum(send["not_left"] for send in self.sends) - self.still_with_provider - self.silent

    def to_json(self) -> dict:
        """The same as plain data."""
        stop = self.stop
        return {"stop": stop.id, "scope": stop.scope, "name": stop.name, "at": stop.at, "by": stop.who, "why": stop.why,
                "new": self.new, "left": self.left, "outcomes": self.outcomes, "not_left": self.not_left,
                "in_flight": self.in_flight, "still_with_provider": self.still_with_provider, "silent": self.silent,
                "sends": self.sends}


@dataclass(frozen=True)
class Released:
    """A stop that ended; of the touches that it alone had kept back, how many may leave now and how many are stale."""

    stop: Stop
    may_leave: int
    stale: int


def known(warehouse, scope: str, name: str, chains: Iterable[str] = ()) -> None:
    """Raises NoSuchScope where there is nothing of that name to stop; `chains` have a folder and perhaps never ran."""
    if scope not in SCOPES:
        raise NoSuchScope(f"{scope!r} cannot be stopped; accepted: {', '.join(SCOPES)}")
    if scope == "all":
        if name:
            raise NoSuchScope(f"all is everything, and takes no name such as {name!r}; accepted: all, or chain, wave, step or "
                              "connector with a name")
        return
    there = _names(warehouse, scope, chains)
    if name not in there:
        few = sorted(there) if scope != "wave" else sorted(there, key=int)[-10:]
        raise NoSuchScope(f"there is no {scope} {name!r}; accepted: {', '.join(few) or 'none yet'}")


def _names(warehouse, scope: str, chains: Iterable[str]) -> set[str]:
    if scope == "connector":
        return set(warehouse.house.connectors)
    query = {"chain": sa.select(schema.chain.c.name), "wave": sa.select(schema.wave.c.id),
             "step": sa.select(schema.chain.c.name + "/" + schema.step.c.name).join(
                 schema.chain, schema.chain.c.id == schema.step.c.chain)}[scope]
    with warehouse.ledger.read() as tx:
        found = {str(one) for one in tx.execute(query).scalars()}
    return found | set(chains) if scope == "chain" else found


def stop_now(warehouse, scope: str, name: str, who: journal.Who, *, why: str = "", wall: Callable[[], datetime],
             patience: float = PATIENCE) -> Account:
    """Stop, and say what has left and what has not once nothing of the scope is with a provider; who wants to be sure
    that the name exists asks `known` before."""
    ledger, now = warehouse.ledger, warehouse.clock.now()
    with ledger.begin() as tx:
        stop, new = order(tx, scope, name, who, now=now, why=why)
        begun = _begun(tx, stop, wall())
        if new:
            journal.write(ledger, tx, who, "stop", {"stop": stop.id, "scope": scope, "name": name}, now=now, why=why)
    return _account(warehouse, stop, new, begun, wall, patience)


def _begun(tx: sa.Connection, stop: Stop, wall: datetime) -> tuple[int, set[tuple]]:
    """Of a scope at a moment: touches with a provider, and the chains, steps and waves of which anything has not left."""
    rows = tx.execute(sa.select(schema.chain.c.name, batch.c.step, batch.c.wave).join(
        schema.chain, schema.chain.c.id == batch.c.chain).where(
        batch.c.state.in_(("planned", "sending")), of_scope(stop.scope, stop.name)).distinct())
    return _with_provider(tx, stop, wall)[0], {tuple(row) for row in rows}


def _account(warehouse, stop: Stop, new: bool, begun: tuple[int, set[tuple]], wall: Callable[[], datetime],
             patience: float) -> Account:
    """What has left of a stop's scope, after waiting so many seconds at most for what is with a provider."""
    still, silent = _landed(warehouse.ledger, stop, wall, patience)
    fold_receipts(warehouse, run="stop", as_of=warehouse.clock.now())
    with warehouse.snapshot() as snapshot:
        rows = snapshot.sql(statement("stopping/sends"), scope=stop.scope, name=stop.name).to_pylist()
    flying, waited = begun
    return Account(stop, new, flying, still, silent, _sends(rows, None if stop.scope == "wave" else waited))


def _landed(ledger, stop: Stop, wall: Callable[[], datetime], patience: float) -> tuple[int, int]:
    """Wait for what is with a provider; what still is at the end, and whose sender fell silent."""
    until = time.monotonic() + patience
    while True:
        with ledger.read() as tx:
            still, silent = _with_provider(tx, stop, wall())
        if not still or time.monotonic() > until:
            return still, silent
        time.sleep(0.05)


def _with_provider(tx: sa.Connection, stop: Stop, wall: datetime) -> tuple[int, int]:
    """Touches whose call may be under way, and those whose sender fell silent in one."""
    lives = batch.c.lease_until >= wall
    query = sa.select(sa.func.coalesce(sa.func.sum(sa.case((lives, batch.c.rows), else_=0)), 0),
                      sa.func.coalesce(sa.func.sum(sa.case((lives, 0), else_=batch.c.rows)), 0)).where(
        batch.c.state == "sending", batch.c.sending_at.is_not(None), of_scope(stop.scope, stop.name))
    flying, silent = tx.execute(query).one()
    return int(flying), int(silent)


def _sends(rows: Sequence[dict], waited: set[tuple] | None) -> list[dict]:
    """One row per chain, step and wave of which anything has not left, or had not at the stop (`waited`; None: every one)."""
    found: dict[tuple, dict] = {}
    for row in rows:
        one = found.setdefault((row["chain"], row["step"], row["wave"]), {
            "chain": row["chain"], "step": row["step"], "wave": row["wave"], "planned": 0, "outcomes": {}})
        if row["outcome"] == "planned":
            one["planned"] = row["touches"]
        else:
            one["outcomes"][row["outcome"]] = row["touches"]
    for one in found.values():
        one["not_left"] = one["planned"] - sum(one["outcomes"].values())
    return [one for key, one in found.items() if waited is None or key in waited or one["not_left"]]


def withdraw_now(warehouse, wave: int, who: journal.Who, *, why: str = "", run: str, wall: Callable[[], datetime],
                 patience: float = PATIENCE) -> tuple[Account, int]:
    """Withdraw a wave for ever: nothing more of it is sent, and who is inside leaves; what had left of it by then, and how
    many contacts left. Any number of times: what another time has begun is finished."""
    ledger, now = warehouse.ledger, warehouse.clock.now()
    new = close_wave(ledger, wave, who, now=now, why=why)
    stop = Stop(0, "wave", str(wave), now, str(who), why)
    with ledger.read() as tx:
        begun = _begun(tx, stop, wall())
    _landed(ledger, stop, wall, patience)
    withdraw(ledger, now)
    left = empty_wave(warehouse, wave, run=run, as_of=now)
    withdraw(ledger, now)  # what a pass had planned before the last of its contacts left
    return _account(warehouse, stop, new, begun, wall, 0), left


def waiting(ledger, stop: Stop) -> int:
    """Touches in the outbox that a stop keeps back; those of other stops are counted with each."""
    with ledger.read() as tx:
        return int(tx.execute(sa.select(sa.func.coalesce(sa.func.sum(batch.c.rows), 0)).where(
            batch.c.state == "planned", of_scope(stop.scope, stop.name))).scalar_one())


def chosen(ledger, scope: str = "", name: str = "") -> Stop:
    """The stop that stands by a number or a scope; with neither the only one. Raises NoSuchStop."""
    there = ordered(ledger)
    if not scope:
        found = there if len(there) == 1 else []
    elif scope.isdecimal():
        found = [one for one in there if one.id == int(scope)]
    else:
        found = [one for one in there if (one.scope, one.name) == (scope, name)]
    if found:
        return found[0]
    accepted = ", ".join(f"{one.id} ({one.what})" for one in there)
    if not accepted:
        raise NoSuchStop("nothing is stopped")
    raise NoSuchStop(f"{f'{scope} {name}'.strip()} is not stopped; accepted: {accepted}" if scope else
                     f"several stops stand: name one of {accepted}")


def let_go(warehouse, stop: Stop, who: journal.Who, *, why: str = "") -> Released:
    """End a stop. What became stale meanwhile is dropped by the next send, and never leaves."""
    ledger, now = warehouse.ledger, warehouse.clock.now()
    with ledger.begin() as tx:
        end(tx, [stop.id], who, now=now)
        journal.write(ledger, tx, who, "release", {"stop": stop.id, "scope": stop.scope, "name": stop.name}, now=now, why=why)
        stale = sa.and_(batch.c.at_latest.is_not(None), batch.c.at_latest < now)
        query = sa.select(sa.func.coalesce(sa.func.sum(sa.case((stale, 0), else_=batch.c.rows)), 0),
                          sa.func.coalesce(sa.func.sum(sa.case((stale, batch.c.rows), else_=0)), 0)).where(
            batch.c.state == "planned", of_scope(stop.scope, stop.name), ~standing(tx, lock=False).holds())
        fresh, old = tx.execute(query).one()
    return Released(stop, int(fresh), int(old))
