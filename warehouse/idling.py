"""Whether a pass has anything to do: asked of the ledger alone, so that an idle pass opens no engine."""

import json
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from marketing import calendar
from warehouse.schema import chain, meta, part, rest, source, watermark
from warehouse.versions import Version, versions_of

__all__ = ["anything_due", "asked", "audience_due", "inhabited", "next_due", "older_inhabited", "outlook", "passed", "passed_by",
           "stale_source"]

#: What a pass reads of the world: newly listed, it must look.
HEARD = ("responses", "orders", "suppressions", "consents")
ASKED = ("contacts", "orders", "consents", "suppressions", "responses")


def anything_due(ledger, chain: int, name: str, slice: int, as_of: datetime) -> bool:
    """Whether somebody is due, or something was listed that this chain has not read."""
    with ledger.read() as tx:
        mark = tx.execute(sa.select(watermark.c.n).where(
            watermark.c.reader == f"chain:{chain}", watermark.c.slice == slice)).scalar() or 0
        due = tx.execute(sa.select(sa.func.min(rest.c.next_due), sa.func.sum(rest.c.residents)).where(
            rest.c.chain == chain, rest.c.slice == slice, rest.c.residents > 0)).one()
        if due[0] is not None and due[0] <= as_of:
            return True
        new = [part.c.slice == slice, part.c.place > mark, part.c.retired_n.is_(None)]
        handed = sa.and_(part.c.tbl == "moves", part.c.to_step == f"enrol:{name}")
        news = [handed]
        if due[1]:
            news += [part.c.tbl.in_(HEARD), sa.and_(part.c.tbl == "receipts", part.c.chain == chain)]
        return tx.execute(sa.select(sa.literal(1)).where(*new, sa.or_(*news)).limit(1)).first() is not None


def audience_due(ledger, chain: int, slice: int, as_of: datetime, params: dict, every, zone: str) -> bool:
    """Whether the audience must be asked: other parameters, a source that changed, or long enough ago."""
    with ledger.read() as tx:
        text = tx.execute(sa.select(meta.c.value).where(meta.c.key == f"audience:{chain}:{slice}")).scalar()
        if text is None:
            return True
        last = json.loads(text)
        if last["params"] != _plain(params):
            return True
        if calendar.add(datetime.fromisoformat(last["as_of"]), every, zone) <= as_of:
            return True
        return tx.execute(sa.select(sa.literal(1)).where(
            part.c.slice == slice, part.c.place > last["n"], part.c.tbl.in_(ASKED), part.c.retired_n.is_(None),
        ).limit(1)).first() is not None


def asked(ledger, tx: sa.Connection, chain: int, slice: int, as_of: datetime, params: dict, n: int) -> None:
    """Remember that the audience was asked, in the commit that enrolled it."""
    ledger.put(tx, meta, {"key": f"audience:{chain}:{slice}", "value": json.dumps(
        {"as_of": as_of.isoformat(), "params": _plain(params), "n": n}, sort_keys=True)})


def passed(ledger, tx: sa.Connection, chain: int, run: str, slice: int | None = None) -> None:
    """Remember who passed over a slice last, in the commit of the pass; without a slice: over all of them, busy or not."""
    ledger.put(tx, meta, {"key": _passed_key(chain, slice), "value": run})


def passed_by(ledger, chain: int, slice: int, run: str) -> bool:
    """Whether a run has passed over a slice: tried again, or made twice at once, it has nothing more to do there."""
    passed = sa.select(sa.literal(1)).where(
        meta.c.key.in_([_passed_key(chain, slice), _passed_key(chain, None)]), meta.c.value == run).limit(1)
    with ledger.read() as tx:
        return tx.execute(passed).first() is not None


def _passed_key(chain: int, slice: int | None) -> str:
    return f"passed:{chain}" if slice is None else f"passed:{chain}:{slice}"


def inhabited(ledger, version: int) -> bool:
    """Whether anybody still rests at a step of a version."""
    with ledger.read() as tx:
        return tx.execute(sa.select(sa.literal(1)).where(
            rest.c.version == version, rest.c.residents > 0).limit(1)).first() is not None


def older_inhabited(ledger, version: Version) -> list[Version]:
    """The other versions of a version's chain in which somebody still rests."""
    return [one for one in versions_of(ledger, version.chain) if one.id != version.id and inhabited(ledger, one.id)]


def next_due(ledger, chain: int) -> datetime | None:
    """When anybody in the chain is next due, None when nobody waits for a moment."""
    with ledger.read() as tx:
        return tx.execute(sa.select(sa.func.min(rest.c.next_due)).where(rest.c.chain == chain, rest.c.residents > 0)).scalar()


def outlook(ledger, name: str, slices: Iterable[int], since: datetime, now: datetime) -> tuple[datetime | None, bool]:
    """When the chain `name` must be passed, `now` where anything is due or unread; and whether contacts were handed over
    to it since `since` whom no pass has read."""
    with ledger.read() as tx:
        number = tx.execute(sa.select(chain.c.id).where(chain.c.name == name)).scalar()
        read_upto = sa.select(watermark.c.n).where(
            watermark.c.reader == f"chain:{number}", watermark.c.slice == part.c.slice).scalar_subquery()
        handed_over = tx.execute(sa.select(sa.literal(1)).where(
            part.c.tbl == "moves", part.c.to_step == f"enrol:{name}", part.c.retired_n.is_(None), part.c.listed_at >= since,
            part.c.place > sa.func.coalesce(read_upto, 0)).limit(1)).first() is not None
    if number is None:
        return (now if handed_over else None), handed_over
    if any(anything_due(ledger, number, name, slice, now) for slice in slices):
        return now, handed_over
    return next_due(ledger, number), handed_over


def stale_source(ledger, sources: dict, as_of: datetime, zone: str) -> str:
    """Why the chain must wait for its sources, in words; empty when they are fresh and confirmed."""
    with ledger.read() as tx:
        for name, oldest in sources.items():
            row = tx.execute(sa.select(source.c.loaded_at, source.c.confirmed).where(source.c.source == name)
                             .order_by(source.c.id.desc()).limit(1)).first()
            if row is None:
                return f"{name} were never loaded (relance load {name} FILE)"
            if calendar.add(row.loaded_at, oldest, zone) < as_of:
                age = as_of - row.loaded_at
                return (f"{name} were last loaded {age.days} days and {age.seconds // 3600} hours ago, "
                        f"older than the {oldest} this chain accepts (relance load {name} FILE)")
            if not row.confirmed:
                return f"the last load of {name} awaits confirmation (relance load {name} FILE --confirm)"
    return ""


def _plain(params: dict) -> dict:
    return json.loads(json.dumps(params, sort_keys=True, default=str))
