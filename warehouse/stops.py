"""Stops: what may not leave. A person orders one of a scope; an error stops a connector until somebody has mended it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from marketing.calendar import local
from warehouse import journal
from warehouse.acts import stop as _table
from warehouse.schema import batch, chain, meta, wave

__all__ = ["SCOPES", "WITHDRAWN", "Standing", "Stop", "end", "of_scope", "order", "ordered", "release", "standing", "stop",
           "stopped", "stops", "waits", "withdraw_wave", "withdrawn"]

#: What a person can stop: everything, what belongs to a chain, a wave or a step ("chain/step"), what goes by a connector.
SCOPES = ("all", "chain", "wave", "step", "connector")
#: How a stop ended: let go, or for ever.
RELEASED, WITHDRAWN = "released", "withdrawn"
#: Of PostgreSQL's advisory locks, the one that who hands over shares and who orders a stop has alone.
_LOCK = 4_701


# Ordered by a person ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stop:
    """A stop that somebody ordered, and that stands; `at` by the warehouse's clock."""

    id: int
    scope: str
    name: str
    at: datetime
    who: str
    why: str

    @property
    def what(self) -> str:
        """What is stopped: "everything", "wave 12"."""
        return f"{self.scope} {self.name}" if self.name else "everything"

    def told(self, zone: str) -> str:
        """The stop in words, and how it ends."""
        why = f", {self.why}" if self.why else ""
        return f"{self.what} was stopped at {local(self.at, zone):%Y-%m-%d %H:%M} by {self.who}{why} (relance release {self.id})"


@dataclass(frozen=True)
class Standing:
    """What may not be handed over at a moment: stops that stand, and waves that were withdrawn for ever."""

    stops: tuple[Stop, ...]
    withdrawn: frozenset[int]

    def __bool__(self) -> bool:
        return bool(self.stops or self.withdrawn)

    def stopped(self) -> sa.ColumnElement[bool]:
        """The condition that a stop holds a batch."""
        return sa.or_(sa.false(), *(of_scope(one.scope, one.name) for one in self.stops))

    def holds(self) -> sa.ColumnElement[bool]:
        """The condition that a batch may not be handed over. One that holds touches of several waves is looked through by
        its sender, who knows each row's wave."""
        gone = sa.and_(batch.c.wave.is_not(None), batch.c.wave.in_(sorted(self.withdrawn)))
        return sa.or_(self.stopped(), gone)


def of_scope(scope: str, name: str) -> sa.ColumnElement[bool]:
    """The condition that a batch is of a scope; one of before waves were kept may be of any wave of its chain."""
    first, _, step = name.partition("/")
    # Never NULL, for none of these conditions may be neither true nor false: its opposite would hold everything back.
    of_chain = batch.c.chain.in_(sa.select(chain.c.id).where(chain.c.name == first))
    match scope:
        case "all":
            return sa.true()
        case "chain":
            return of_chain
        case "step":
            return sa.and_(of_chain, batch.c.step == step)
        case "wave":
            of_its_chain = batch.c.chain.in_(sa.select(wave.c.chain).where(wave.c.id == int(name)))
            return sa.or_(sa.and_(batch.c.wave.is_not(None), batch.c.wave == int(name)),
                          sa.and_(batch.c.wave.is_(None), of_its_chain))
    return batch.c.connector == name


def standing(tx: sa.Connection, *, lock: bool = True) -> Standing:
    """What may not be handed over. With `lock` no stop can begin to stand before this transaction ends; on SQLite none can
    beside any writer."""
    if lock and tx.dialect.name == "postgresql":
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(_LOCK)))
    rows = tx.execute(_OPEN).all()
    return Standing(tuple(Stop(*row[:6]) for row in rows if row.ended_at is None),
                    frozenset(int(row.name) for row in rows if row.ended_at is not None))


#: Made once: it is asked before every call of a provider.
_OPEN = sa.select(*(_table.c[name] for name in (*Stop.__dataclass_fields__, "ended_at"))).where(
    sa.or_(_table.c.ended_at.is_(None), _table.c.ended_how == WITHDRAWN)).order_by(_table.c.id)


def order(tx: sa.Connection, scope: str, name: str, who: journal.Who, *, now: datetime, why: str = "") -> tuple[Stop, bool]:
    """From this transaction's commit on nothing of the scope is handed over; whether it is new: a stop that stands is kept."""
    _alone(tx)
    for one in standing(tx, lock=False).stops:
        if (one.scope, one.name) == (scope, name):
            return one, False
    row = {"scope": scope, "name": name, "at": now, "who": str(who), "why": why[:500]}
    return Stop(tx.execute(sa.insert(_table).returning(_table.c.id), row).scalar_one(), **row), True


def end(tx: sa.Connection, ids: Iterable[int], who: journal.Who, *, now: datetime, how: str = RELEASED) -> None:
    """These stops stand no more."""
    tx.execute(sa.update(_table).where(_table.c.id.in_(list(ids)), _table.c.ended_at.is_(None)).values(
        ended_at=now, ended_by=str(who), ended_how=how))


def withdraw_wave(tx: sa.Connection, number: int, who: journal.Who, *, now: datetime, why: str = "") -> bool:
    """Nothing of this wave is ever handed over again; False where it was withdrawn before."""
    _alone(tx)
    now_standing = standing(tx, lock=False)
    if number in now_standing.withdrawn:
        return False
    stop, _ = order(tx, "wave", str(number), who, now=now, why=why)
    end(tx, [stop.id], who, now=now, how=WITHDRAWN)
    return True


def ordered(ledger) -> list[Stop]:
    """The stops that people ordered and that stand, oldest first."""
    with ledger.read() as tx:
        return list(standing(tx, lock=False).stops)


def withdrawn(ledger) -> frozenset[int]:
    """The waves that were withdrawn."""
    with ledger.read() as tx:
        return standing(tx, lock=False).withdrawn


def waits(ledger, chain: str) -> Stop | None:
    """The stop for which the passes of a chain wait: of everything, or of the chain. Any other only keeps messages back."""
    return next((one for one in ordered(ledger) if (one.scope, one.name) in (("all", ""), ("chain", chain))), None)


def _alone(tx: sa.Connection) -> None:
    """Nobody is between looking for stops and handing over."""
    if tx.dialect.name == "postgresql":
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


# Ordered by an error ------------------------------------------------------------------------------------------


def stop(ledger, connector: str, why: str) -> None:
    """Nothing more leaves by this connector until `release`; the reason is shown by `relance status`."""
    with ledger.begin() as tx:
        ledger.put(tx, meta, {"key": f"stopped:{connector}", "value": why[:500]})


def stopped(ledger, connector: str) -> str | None:
    """The error for which a connector is stopped, None when it is not."""
    with ledger.read() as tx:
        return tx.execute(sa.select(meta.c.value).where(meta.c.key == f"stopped:{connector}")).scalar()


def stops(ledger) -> dict[str, str]:
    """The connectors that an error has stopped, and which."""
    with ledger.read() as tx:
        rows = tx.execute(sa.select(meta.c.key, meta.c.value).where(meta.c.key.like("stopped:%"))).all()
    return {key.removeprefix("stopped:"): why for key, why in rows}


def release(ledger, connector: str) -> None:
    """The error is mended: let the connector send again. A stop that a person ordered stands on."""
    with ledger.begin() as tx:
        tx.execute(sa.delete(meta).where(meta.c.key == f"stopped:{connector}"))
