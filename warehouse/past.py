"""A branch of a past moment: the warehouse as a pass found it, slice by slice, for the live code to make that pass again."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from warehouse import Warehouse, schema
from warehouse.acts import former, stop
from warehouse.branching import copy_table, making, open_branch
from warehouse.manifest import current_number
from warehouse.records import Record, settings_of
from warehouse.stops import WITHDRAWN

__all__ = ["branch_of_past", "made_again", "step_back"]

#: What a pass reads of the ledger beside the manifest and what stands in its record.
_COPIED = (schema.meta, schema.counter, schema.chain, schema.step, schema.version, schema.source)
#: Tables of which a pass replaces parts; it alone reads those of its slice.
_REWRITTEN = ("rest", "standing")


def branch_of_past(wh: Warehouse, name: str, expires: datetime, records: Sequence[Record]) -> Warehouse:
    """Make a branch that holds every part which a pass read, but none that it made itself; `step_back` goes to each slice.

    Parts keep their numbers, so that each slice can be read as of its own moment, and what other chains committed
    after it stays unseen. Raises `BranchError`.
    """
    with making(wh, name, expires, n=min(record.n for record in records)) as ledger:
        with wh.ledger.read() as source, ledger.begin() as target:
            for table in _COPIED:
                copy_table(source, target, sa.select(table))
            _copy_parts(source, target, records)
            _copy_waves(source, target, records)
            run = schema.run
            copy_table(source, target, sa.select(run).where(run.c.as_of < records[0].as_of))
            # A slice is passed once by a run; here it is passed again.
            target.execute(sa.delete(schema.meta).where(schema.meta.c.key.startswith("passed:")))
            target.execute(sa.delete(schema.meta).where(schema.meta.c.key == "clock"))
            target.execute(sa.insert(schema.meta), {"key": "clock", "value": records[0].as_of.isoformat()})
    return open_branch(wh, name)


def step_back(stage: Warehouse, wh: Warehouse, record: Record) -> None:
    """Set a branch of the past to how the pass found one slice: who rested where, what was read, house and policy, the hour."""
    stage.house, stage.policy = settings_of(wh.ledger, record)
    rest, mark, meta, part = schema.rest, schema.watermark, schema.meta, schema.part
    reader = f"chain:{record.chain}"
    with stage.ledger.begin() as tx:
        tx.execute(sa.delete(rest).where(rest.c.chain == record.chain, rest.c.slice == record.slice))
        for version, step, residents, next_due, feeds in record.rest:
            stage.ledger.put(tx, rest, {"chain": record.chain, "version": version, "slice": record.slice, "step": step,
                                        "residents": residents, "next_due": next_due, "feeds": feeds})
        tx.execute(sa.delete(mark).where(mark.c.reader == reader, mark.c.slice == record.slice))
        stage.ledger.put(tx, mark, {"reader": reader, "slice": record.slice, "n": record.mark})
        tx.execute(sa.update(meta).where(meta.c.key == "clock").values(value=record.as_of.isoformat()))
        tx.execute(sa.delete(stop))
        for wave in record.withdrawn:
            tx.execute(sa.insert(stop), {"scope": "wave", "name": str(wave), "at": record.as_of, "who": "", "why": "",
                                         "ended_at": record.as_of, "ended_how": WITHDRAWN})
        # What the pass wrote anew stands again, to be written anew.
        tx.execute(sa.update(part).where(part.c.tbl.in_(_REWRITTEN), part.c.slice == record.slice, part.c.retired_n > record.n)
                   .values(retired_n=None, retired_at=None))


def made_again(stage: Warehouse, numbers: Sequence[int]) -> None:
    """Number what a slice has just made below everything that was there, so that the slices after it see it too."""
    part = schema.part
    with stage.ledger.begin() as tx:
        tx.execute(sa.update(part).where(part.c.n.in_(numbers)).values(n=-part.c.n, place=-part.c.place))


def _copy_parts(source: sa.Connection, target: sa.Connection, records: Sequence[Record]) -> None:
    """The manifest from the first moment to the last, with what was retired since: out of use, but not deleted."""
    first, last = min(record.n for record in records), max(record.n for record in records)
    copy_table(source, target, _parts_between(schema.part, first, last, records[0]))
    rows = source.execute(_parts_between(former, first, last, records[0])).mappings()
    for row in rows:
        target.execute(sa.insert(schema.part), dict(row))
    target.execute(sa.update(schema.counter).where(schema.counter.c.name == "part").values(value=current_number(source)))


def _parts_between(table: sa.Table, first: int, last: int, record: Record) -> sa.Select:
    column = table.c
    own = sa.and_(column.run == record.run, column.chain == record.chain)
    return sa.select(table).where(
        column.n <= last, sa.or_(column.retired_n.is_(None), column.retired_n > first),
        sa.or_(column.run.is_(None), column.chain.is_(None), sa.not_(own)))


def _copy_waves(source: sa.Connection, target: sa.Connection, records: Sequence[Record]) -> None:
    """The waves that there were, and those of the run itself, which nobody has entered yet."""
    wave, last = schema.wave, max(record.waves for record in records)
    own = sa.and_(wave.c.run == records[0].run, wave.c.chain == records[0].chain)
    copy_table(source, target, sa.select(wave).where(sa.or_(wave.c.id <= last, own)))
    target.execute(sa.update(wave).where(own).values(audience=0, entered=0, held_out=0))
    for number, entered in {key: many for record in reversed(records) for key, many in record.entered.items()}.items():
        target.execute(sa.update(wave).where(wave.c.id == int(number)).values(entered=entered))
