"""Watching: the house at a glance, what of it gives an alarm, and who was told which alarm when."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from marketing.alarms import Alarm, Facts, Limits
from marketing.approval import AWAITING
from marketing.calendar import Span, add, local
from warehouse import approving
from warehouse.ceilings import handed_over
from warehouse.engine import statement
from warehouse.inbox import Inbox
from warehouse.outbox import stuck
from warehouse.overview import chains_now, outbox_now, runs_now, sources_now
from warehouse.schema import meta
from warehouse.stops import Stop, ordered, stops

__all__ = ["Standing", "facts", "look", "remember", "remember_next", "told"]

#: Runs that belong to nobody's chain and whose failure only who started them need know.
OF_SOMEBODY = ("load", "rehearsal")
_ALARM, _NEXT = "alarm:", "next_passes"


@dataclass(frozen=True)
class Standing:
    """The house at the moment `now`: rows by chain, by connector, by source, by chain or kind of run; no personal data."""

    now: datetime
    chains: list[dict[str, Any]]
    connectors: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    complaints: list[dict[str, Any]]
    unknown: list[dict[str, Any]]
    inbox: int
    awaiting: list[dict[str, Any]] = field(default_factory=list)
    unbound: dict[str, int] = field(default_factory=dict)
    ordered: list[Stop] = field(default_factory=list)  #: stops that people ordered


def look(warehouse, connectors: Iterable[str], accepted: Mapping[str, Mapping[str, Span]], wall: datetime) -> Standing:
    """The house as it stands. accepted: of each chain the oldest that it accepts of each source."""
    ledger, now, limits = warehouse.ledger, warehouse.clock.now(), warehouse.policy.alarms
    unknown, complaints = _responses(warehouse, now, limits)
    box = Inbox(warehouse)
    try:
        waiting = box.size()
    finally:
        box.close()
    planned = {name: at for name, at in _next_passes(ledger).items() if at >= wall}
    chains = chains_now(ledger, now, warehouse.house.zone)
    going = {row["chain"]: accepted.get(row["chain"], {}) for row in chains if not row["paused"]}
    sources = _sources(ledger, going, now, warehouse.house.zone)
    stale = {name for row in sources for name in row["stale_for"]}
    for row in chains:
        row["overdue"] = (now - row["next_due"] if row["next_due"] and row["next_due"] < now and row["chain"] in going
                          and row["chain"] not in stale else None)
        row["next_pass"] = planned.get(row["chain"])
    return Standing(now, chains, _connectors(warehouse, connectors, unknown, now, wall, limits), sources,
                    runs_now(ledger, wall), complaints, unknown, waiting, _awaiting(ledger, now),
                    dict(Counter(str(wave) for wave, _ in approving.unbound(ledger))), ordered(ledger))


def facts(standing: Standing) -> Facts:
    """What the rules of alarms look at."""
    unknown: dict[str, int] = {}
    for row in standing.unknown:
        unknown[row["connector"]] = unknown.get(row["connector"], 0) + row["lately"]
    ended_badly = [row for row in standing.runs if row["kind"] not in OF_SOMEBODY]
    return Facts(
        failed_passes={row["chain"]: row["failed_since"] for row in ended_badly if row["chain"] and row["failed_since"]},
        failed_runs={row["kind"]: row["failed_since"] for row in ended_badly if not row["chain"] and row["failed_since"]},
        crashed_runs={row["chain"] or row["kind"]: row["crashed_since"] for row in ended_badly if row["crashed_since"]},
        overdue={row["chain"]: row["overdue"] for row in standing.chains if row["overdue"]},
        stopped=[row["connector"] for row in standing.connectors if row["stopped"]],
        complaints={row["connector"]: (row["complaints"], row["touches"]) for row in standing.complaints},
        unknown={connector: many for connector, many in unknown.items() if many},
        stale={row["source"]: (row["wrong"], row["accepted"]) for row in standing.sources if row["wrong"]},
        stuck={row["connector"]: row["stuck"] for row in standing.connectors},
        awaiting={str(row["wave"]): row["contacts"] for row in standing.awaiting}, unbound=standing.unbound,
        ceilings={row["connector"]: (row["handed_today"], row["daily_ceiling"]) for row in standing.connectors
                  if row["daily_ceiling"] and row["handed_today"] >= row["daily_ceiling"]})


def told(ledger) -> dict[str, datetime]:
    """When somebody was last told of each alarm, by its key."""
    with ledger.read() as tx:
        rows = tx.execute(sa.select(meta.c.key, meta.c.value).where(meta.c.key.like(f"{_ALARM}%"))).all()
    return {key.removeprefix(_ALARM): datetime.fromisoformat(value) for key, value in rows}


def remember(ledger, found: Iterable[Alarm], now_told: Iterable[Alarm], wall: datetime) -> None:
    """Keep who was told now, and forget the alarms that are no more: when they come back they are told at once."""
    stand = {_ALARM + alarm.key for alarm in found}
    over = [_ALARM + key for key in told(ledger) if _ALARM + key not in stand]
    with ledger.begin() as tx:
        for alarm in now_told:
            ledger.put(tx, meta, {"key": _ALARM + alarm.key, "value": wall.isoformat()})
        tx.execute(sa.delete(meta).where(meta.c.key.in_(over)))


def remember_next(ledger, passes: Mapping[str, datetime]) -> None:
    """Keep for when the workflow engine has planned the next pass of each chain, for who asks without it."""
    with ledger.begin() as tx:
        ledger.put(tx, meta, {"key": _NEXT, "value": json.dumps({name: at.isoformat() for name, at in sorted(passes.items())})})


def _next_passes(ledger) -> dict[str, datetime]:
    with ledger.read() as tx:
        text = tx.execute(sa.select(meta.c.value).where(meta.c.key == _NEXT)).scalar()
    return {name: datetime.fromisoformat(at) for name, at in json.loads(text or "{}").items()}


def _awaiting(ledger, now: datetime) -> list[dict[str, Any]]:
    """Waves that wait for somebody's decision, one row each."""
    return [{"wave": one.wave, "chain": one.chain, "contacts": one.contacts, "cost": one.cost, "lapses_at": one.lapses_at}
            for one in approving.listed(ledger, AWAITING) if one.lapses_at >= now]


def _responses(warehouse, now: datetime, limits: Limits) -> tuple[list[dict], list[dict]]:
    since, mail = now - timedelta(days=limits.complaint_days), warehouse.house.channels.get("email", "email")
    with warehouse.snapshot() as snapshot:
        unknown = snapshot.sql(statement("watching/unknown"), since=since).to_pylist()
        return unknown, snapshot.sql(statement("watching/complaints"), since=since, mail=mail).to_pylist()


def _connectors(warehouse, names: Iterable[str], unknown: list[dict], now: datetime, wall: datetime,
                limits: Limits) -> list[dict[str, Any]]:
    ledger, channels, ceiling = warehouse.ledger, warehouse.house.channels, warehouse.house.ceiling
    today = local(now, warehouse.house.zone).date()
    waiting, stopped = outbox_now(ledger), stops(ledger)
    held = stuck(ledger, now=now, wall=wall, since=timedelta(hours=limits.stuck_hours))
    return [{"connector": name, "channels": sorted(channel for channel, by in channels.items() if by == name),
             **{state: waiting.get(name, {}).get(state, 0) for state in ("planned", "sending", "settled")},
             "unknown": sum(row["touches"] for row in unknown if row["connector"] == name),
             "stuck": held.get(name, 0), "stopped": stopped.get(name), "daily_ceiling": ceiling(name),
             "handed_today": handed_over(ledger, name, today) if ceiling(name) else None}
            for name in sorted({*names, *waiting, *stopped})]


def _sources(ledger, accepted: Mapping[str, Mapping[str, Span]], now: datetime, zone: str) -> list[dict[str, Any]]:
    """The sources that were loaded or that a chain needs, each with what is wrong with it for which chains."""
    loaded = {row["source"]: row for row in sources_now(ledger)}
    found = []
    for name in sorted({*loaded, *(source for sources in accepted.values() for source in sources)}):
        row = loaded.get(name) or dict.fromkeys(("loaded_at", "newest_at", "rows", "rejected", "confirmed"))
        wrong = {chain: (said, oldest) for chain, sources in accepted.items() if (oldest := sources.get(name))
                 and (said := _wrong(row, oldest, now, zone))}
        said, oldest = next(iter(wrong.values()), ("", ""))
        found.append({**row, "source": name, "age_seconds": row["loaded_at"] and (now - row["loaded_at"]).total_seconds(),
                      "wrong": said, "accepted": str(oldest), "stale_for": sorted(wrong)})
    return found


def _wrong(row: Mapping[str, Any], oldest: Span, now: datetime, zone: str) -> str:
    if row["loaded_at"] is None:
        return "never loaded"
    if add(row["loaded_at"], oldest, zone) < now:
        return f"{(now - row['loaded_at']).days} days old"
    return "" if row["confirmed"] else "not confirmed"
