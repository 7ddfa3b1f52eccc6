"""Records of passes: what each read of a slice that the ledger overwrites later, so that it can be made again."""

import json
import zlib
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from marketing.calendar import Span
from marketing.house import House
from marketing.policy import Policy
from warehouse import schema
from warehouse.acts import replay, text
from warehouse.clock import wall
from warehouse.manifest import current_number
from warehouse.passing.given import Given
from warehouse.stops import withdrawn

__all__ = ["KEPT", "NoRecord", "Record", "Way", "forget", "needed", "records_of", "remember", "run_named", "settings_of"]

#: How long a pass can be made again, by the real clock; as long the parts that it read are kept.
KEPT = timedelta(days=90)
_STORED = ("chain", "slice", "n", "as_of")


class NoRecord(LookupError):
    """A pass that cannot be made again; the text says why."""


@dataclass(frozen=True)
class Way:
    """How contacts came into the chain in a pass: what its file said on that day, and what the run was allowed."""

    audience: str
    reenter_after: Span | None
    defaults: Mapping[str, Any]
    params: Mapping[str, Any]
    ask: bool
    room: int | None
    #: approved waves that the run took in
    given: Sequence[Given]


@dataclass(frozen=True)
class Record:
    """What a pass of `run` read of one slice: `n` is its moment of the manifest, `committed` its place among the commits."""

    run: str
    chain: int
    slice: int
    n: int
    as_of: datetime
    mark: int
    committed: int
    #: of each step where somebody rested: version, step, residents, next due, feeds
    rest: list[tuple[int, str, int, datetime | None, int]]
    #: those with contacts in them, the one that enrolled last
    versions: list[int]
    #: the last wave that there was
    waves: int
    #: those that somebody had withdrawn
    withdrawn: list[int]
    #: how many had entered the given waves before
    entered: dict[str, int]
    way: Way
    latencies: dict[str, float]
    house: str
    policy: str
    #: file of a message -> hash of its text
    messages: dict[str, str]


def remember(passing, way: Way, messages: Mapping[str, str]) -> None:
    """Have the commit of a pass keep what the pass has read; to be asked before it changes anything."""
    ledger, house, policy = passing.warehouse.ledger, passing.house, passing.policy
    # Of a connector only its kind: its settings are of no account to a pass, and may name people of the house.
    texts = {_digest(one): one for one in (policy.to_text(), house.to_text(
        connectors={name: {"kind": settings["kind"]} for name, settings in house.connectors.items()}))}
    policy_digest, house_digest = texts
    with ledger.read() as tx:
        waves = tx.execute(sa.select(sa.func.max(schema.wave.c.id))).scalar() or 0
    state = {
        "mark": passing.mark, "waves": waves, "withdrawn": sorted(withdrawn(ledger)), "way": asdict(way),
        "house": house_digest, "policy": policy_digest,
        "rest": [(version, step, one.residents, one.next_due, one.feeds) for (version, step), one in passing.resting.items()],
        "versions": [version.id for version in passing.versions], "messages": dict(messages),
        "latencies": {name: late.total_seconds() for name, late in passing.latencies.items()},
    }
    row = {"run": passing.run, "chain": passing.chain, "slice": passing.slice, "n": passing.n, "as_of": passing.as_of}

    def keep(tx: sa.Connection, _numbers: list[int]) -> None:
        now = {"committed": current_number(tx), "entered": _entered(tx, way.given)}
        packed = zlib.compress(json.dumps(state | now, default=str).encode(), 1)
        ledger.put(tx, replay, {**row, "made_at": wall(), "state": packed})
        for digest, whole in texts.items():
            ledger.put(tx, text, {"digest": digest, "text": whole}, replace=False)

    passing.commit.within(keep)


def records_of(ledger, run: str) -> list[Record]:
    """What a run read, slice by slice in the order in which it made them true."""
    with ledger.read() as tx:
        rows = tx.execute(sa.select(replay).where(replay.c.run == run)).mappings().all()
    return sorted((_read(row) for row in rows), key=lambda record: record.committed)


def run_named(ledger, asked: str) -> str:
    """The run of a pass by its id, the beginning of it, or its name. Raises `NoRecord`, which says why there is none."""
    run = schema.run
    of_passes = sa.select(run.c.id, run.c.started_at, run.c.state).where(run.c.kind == "pass").order_by(run.c.started_at)
    with ledger.read() as tx:
        found = tx.execute(of_passes.where(sa.or_(run.c.id == asked, run.c.name == asked))).all() or tx.execute(
            of_passes.where(run.c.id.startswith(asked, autoescape=True))).all()
        kept = set(tx.execute(sa.select(replay.c.run).where(replay.c.run.in_([row.id for row in found[:5]]))).scalars())
    if len(found) > 1:
        raise NoRecord(f"{len(found)} passes are called {asked!r}: {', '.join(row.id for row in found[:5])}"
                       f"{', …' if len(found) > 5 else ''}; give the id of one.")
    if not found:
        raise NoRecord(f"There is no pass {asked!r}; accepted: the id of its run, the beginning of it, or its name "
                       "(relance sql \"select run, name, chain, as_of from runs where kind = 'pass' order by as_of desc\").")
    if found[0].id not in kept:
        raise NoRecord(f"The pass {asked!r} {_why_not(found[0])}")
    return found[0].id


def settings_of(ledger, record: Record) -> tuple[House, Policy]:
    """The house and the policy by which a pass went; a connector of that house has nothing but its kind."""
    with ledger.read() as tx:
        texts = dict(tx.execute(sa.select(text.c.digest, text.c.text).where(
            text.c.digest.in_([record.house, record.policy]))).all())
    return House.of_text(texts[record.house]), Policy.of_text(texts[record.policy])


def needed(tx: sa.Connection) -> Callable[[int, int], bool]:
    """Whether some record reads a part of number `n` that was retired at `retired_n`."""
    moments = sorted(tx.execute(sa.select(replay.c.n).distinct()).scalars())

    def reads(n: int, retired_n: int) -> bool:
        first = bisect_left(moments, n)
        return first < len(moments) and moments[first] < retired_n

    return reads


def forget(ledger, before: datetime) -> int:
    """Delete the records made up to an instant of the real clock, and the texts that only they name; returns how many."""
    old = replay.c.made_at <= before
    with ledger.read() as tx:
        texts = {digest for state in tx.execute(sa.select(replay.c.state).where(old)).scalars() for digest in _texts(state)}
    if not texts:
        return 0
    with ledger.begin() as tx:
        current_number(tx, hold=True)  # no commit names one of these texts meanwhile
        gone = tx.execute(sa.delete(replay).where(old)).rowcount
        for state in tx.execute(sa.select(replay.c.state).order_by(replay.c.made_at)).scalars():
            texts -= _texts(state)
            if not texts:
                break
        tx.execute(sa.delete(text).where(text.c.digest.in_(sorted(texts))))
    return gone


def _entered(tx: sa.Connection, given: Sequence[Given]) -> dict[int, int]:
    wave = schema.wave
    waves = [one.wave for one in given]
    return dict(tx.execute(sa.select(wave.c.id, wave.c.entered).where(wave.c.id.in_(waves))).all()) if waves else {}


def _why_not(run) -> str:
    if run.state == "running":
        return "is still running, and has made nothing true yet."
    if wall() - run.started_at > KEPT:
        return f"was made on {run.started_at:%Y-%m-%d}: records are kept for {KEPT.days} days, this one is gone."
    return "has no record: it found nothing to do or ended before it made anything true, or it was made before records were kept."


def _texts(state: bytes) -> set[str]:
    found = json.loads(zlib.decompress(state))
    return {found["house"], found["policy"]}


def _read(row: Mapping[str, Any]) -> Record:
    state = json.loads(zlib.decompress(row["state"]))
    way = state.pop("way")
    again, given = way.pop("reenter_after"), [Given(**one) for one in way.pop("given")]
    state["rest"] = [(version, step, residents, datetime.fromisoformat(due) if due else None, feeds)
                     for version, step, residents, due, feeds in state["rest"]]
    return Record(row["run"], **{name: row[name] for name in _STORED}, **state,
                  way=Way(**way, reenter_after=Span(**again) if again else None, given=given))


def _digest(whole: str) -> str:
    return sha256(whole.encode()).hexdigest()
