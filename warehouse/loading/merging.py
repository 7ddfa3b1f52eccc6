"""New rows, changed rows, rows already known: typed rows put together with what the warehouse holds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from warehouse import schema
from warehouse.commit import Commit, HeadMoved
from warehouse.loading.kinds import Kind
from warehouse.loading.rows import KEYS, prepare
from warehouse.loading.understanding import ATTRIBUTES, Complaint
from warehouse.manifest import parts_of
from warehouse.tables import TABLES

__all__ = ["Merger", "attribute_types"]

_SQL = Path(__file__).parent / "sql"


@dataclass
class Plan:
    """A merge ready to be committed."""

    commit: Commit
    new: int
    changed: int
    unchanged: int
    repeated: int
    complaints: list[Complaint]
    newest_at: datetime | None


class Merger:
    """One reading of the warehouse for one load; `plan` writes parts that `Plan.commit` makes true."""

    def __init__(self, warehouse, snapshot, kind: Kind, *, as_of: datetime, run: str):
        self.warehouse, self.snapshot, self.kind, self.as_of = warehouse, snapshot, kind, as_of
        self.engine = snapshot.engine
        self.commit = warehouse.commit(run=run, as_of=as_of, engine=self.engine)
        self.snapshot.prepare(f"raw_contacts raw_{kind.name}")

    @classmethod
    @contextmanager
    def reading(cls, warehouse, kind: Kind, *, as_of: datetime, run: str) -> Iterator["Merger"]:
        """A merger over the present moment; one load of a kind at a time gets through, the other reads again."""
        commit = warehouse.commit(run=run, as_of=as_of)
        commit.read_head(kind.name, 0)
        with warehouse.snapshot() as snapshot:
            merger = cls(warehouse, snapshot, kind, as_of=as_of, run=run)
            commit.engine, merger.commit = snapshot.engine, commit
            yield merger

    def query(self, name: str, rows: pa.Table | None = None, **values) -> pa.Table:
        """The answer of warehouse/loading/sql/<name>.sql, with `rows` as the relation incoming."""
        if rows is not None:
            self.engine.register("incoming", rows)
        return self.engine.sql((_SQL / f"{name}.sql").read_text(encoding="utf-8"), **values)

    def plan(self, rows: pa.Table, lines: np.ndarray) -> Plan:
        """What the rows change; their parts are written, not yet true. Raises StoreError."""
        rows, complaints = prepare(self, rows)
        rows, repeated, again = self._last_of_each(rows, lines)
        known = self.query(f"{self.kind.name}_known", _keyed(rows, self.kind))
        new, changed, unchanged, taken = self._compare(rows, known)
        new = self._completed(new)
        self._write(new, changed)
        dated = self.kind.dated
        newest = pc.max(rows[dated]).as_py() if dated in rows.column_names else None
        return Plan(self.commit, len(new), len(changed), unchanged, repeated, [*complaints, *again, *taken], newest)

    def _last_of_each(self, rows: pa.Table, lines: np.ndarray) -> tuple[pa.Table, int, list[Complaint]]:
        """Of rows with the same key the last; the others are rejected, or only counted where they say the same."""
        found = self.query(f"{self.kind.name}_repeated", _keyed(rows, self.kind))
        if not len(found):
            return rows, 0, []
        at = {place: i for i, place in enumerate(rows["place"].to_pylist())}
        earlier = pa.array([at[place] for place in found["place"].to_pylist()])
        kept = pa.array([at[place] for place in found["kept"].to_pylist()])
        cells = rows.drop_columns(["place"])
        differ = _differs(cells.take(earlier), cells.take(kept))
        places, last = found["place"].to_numpy(), found["kept"].to_numpy()
        reasons = pa.array([f"the same {' and '.join(KEYS[self.kind.name].shown)} comes again on line "
                            f"{lines[place]}, which is kept" for place in last[differ]], pa.string())
        mask = np.ones(len(rows), dtype=bool)
        mask[earlier.to_numpy()] = False
        again = [Complaint("the same key comes again further down", places[differ], reasons)] if differ.any() else []
        return rows.filter(pa.array(mask)), int((~differ).sum()), again

    def _compare(self, rows: pa.Table, known: pa.Table) -> tuple[pa.Table, pa.Table, int, list[Complaint]]:
        """Rows of new keys; known rows with what the file changes in them; how many it leaves as they were."""
        fresh = pc.invert(pc.is_in(rows["place"], value_set=known["place"].combine_chunks()))
        new, given = rows.filter(fresh), rows.filter(pc.invert(fresh))
        if self.kind.name == "orders" and len(known):
            moved = pc.not_equal(given["contact_id"], known["contact_id"]).to_numpy()
            if moved.any():
                reason = pa.repeat("the line is known as another contact's", int(moved.sum())).cast(pa.string())
                complaint = Complaint("the line is known as another contact's", given["place"].to_numpy()[moved], reason)
                given, known = given.filter(pa.array(~moved)), known.filter(pa.array(~moved))
                return (*self._updated(new, given, known), [complaint])
        return (*self._updated(new, given, known), [])

    def _updated(self, new: pa.Table, given: pa.Table, known: pa.Table) -> tuple[pa.Table, pa.Table, int]:
        """Field by field: a filled cell replaces what is known, an empty one leaves it."""
        merged, changed = known, np.zeros(len(known), dtype=bool)
        for name in given.column_names:
            if name in ("place", "contact_id"):
                continue
            told = given[name].combine_chunks()
            if name not in known.column_names:
                merged = merged.append_column(name, told)
                changed |= pc.is_valid(told).to_numpy(zero_copy_only=False)
                continue
            before = _as(known[name].combine_chunks(), told.type)
            after = pc.coalesce(told, before)
            changed |= pc.fill_null(pc.not_equal(after, before), True).to_numpy(zero_copy_only=False) & (
                pc.is_valid(after).to_numpy(zero_copy_only=False))
            merged = merged.set_column(merged.column_names.index(name), name, after)
        return new, merged.filter(pa.array(changed)), int((~changed).sum())

    def _completed(self, new: pa.Table) -> pa.Table:
        """New contacts with the next ids, which nobody else may take and none is given twice; suppressions with a start."""
        if self.kind.name == "suppressions":
            stated = new["from_at"] if "from_at" in new.column_names else pa.nulls(len(new), pa.timestamp("us"))
            rest = new.drop_columns(["from_at"]) if "from_at" in new.column_names else new
            return rest.append_column("from_at", pc.fill_null(stated, pa.scalar(self.as_of, pa.timestamp("us"))))
        if self.kind.name != "contacts" or not len(new):
            return new
        last = last_contact(self.warehouse.ledger)
        ids = pa.array(np.arange(last + 1, last + 1 + len(new)), pa.int64())
        self.commit.within(_take_ids(last, last + len(new)))
        return new.append_column("contact_id", ids)

    def _write(self, new: pa.Table, changed: pa.Table) -> None:
        """New rows are parts of their own; a slice with changed rows is written again, whole."""
        tbl = self.kind.name
        rewritten = set(_slices(changed, self.warehouse.slice_bits).tolist())
        slices_new, slices_changed = (_slices(rows, self.warehouse.slice_bits) for rows in (new, changed))
        for slice in sorted({*slices_new.tolist(), *rewritten}):
            rows = [_stored(_where(new, slices_new == slice), tbl)]
            if slice in rewritten:
                replaced = _where(changed, slices_changed == slice)
                self.engine.register("replaced", replaced)
                kept = self.query(f"{tbl}_kept", slice=slice, slice_bits=self.warehouse.slice_bits)
                rows += [_stored(replaced, tbl), _alike(kept, replaced)]
                with self.warehouse.ledger.read() as tx:
                    self.commit.retire([p.n for p in parts_of(tx, self.snapshot.n, tbl, slice=slice)])
            part = _by_contact(pa.concat_tables(rows, promote_options="permissive"))
            self.commit.add(tbl, part, slice=slice, **_span(part, self.kind.dated))


def _span(part: pa.Table, dated: str) -> dict[str, datetime | None]:
    """The oldest and newest time of a part, by which readers leave it unopened."""
    ends = pc.min_max(part[dated]).as_py()
    return {"lo_at": ends["min"], "hi_at": ends["max"]}


def _keyed(rows: pa.Table, kind: Kind) -> pa.Table:
    return rows.select(["place", *KEYS[kind.name].columns])


def _differs(some: pa.Table, others: pa.Table) -> np.ndarray:
    differ = np.zeros(len(some), dtype=bool)
    for one, other in zip(some.columns, others.columns, strict=True):
        same = pc.or_(pc.fill_null(pc.equal(one, other), False), pc.and_(pc.is_null(one), pc.is_null(other)))
        differ |= ~same.to_numpy()
    return differ


def _slices(rows: pa.Table, bits: int) -> np.ndarray:
    """The slice of each row; what belongs to no contact stands in slice 0."""
    if not len(rows):
        return np.array([], dtype=np.int64)
    return pc.fill_null(rows["contact_id"], 0).to_numpy() >> bits


def _where(rows: pa.Table, mask: np.ndarray) -> pa.Table:
    """The rows that a mask chooses; the same table, not a copy, where it chooses all."""
    return rows if mask.all() else rows.filter(pa.array(mask))


def _by_contact(rows: pa.Table) -> pa.Table:
    """The rows in the order of their contacts, by which readers skip what they do not look for."""
    ids = pc.fill_null(rows["contact_id"], 0).to_numpy()
    return rows if (np.diff(ids) >= 0).all() else rows.sort_by("contact_id")


def _stored(rows: pa.Table, tbl: str) -> pa.Table:
    """Rows with the documented columns in their types and order, then the attributes."""
    wanted = TABLES[tbl].columns
    columns = {f.name: rows[f.name].cast(f.type) if f.name in rows.column_names else pa.nulls(len(rows), f.type)
               for f in wanted}
    if TABLES[tbl].open:
        columns |= {name: rows[name] for name in rows.column_names if name not in columns and name != "place"}
    return pa.table(columns)


def _as(column: pa.Array | pa.ChunkedArray, type_: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """A column in the type its attribute has now; whole numbers that become decimal need room on the way."""
    if pa.types.is_integer(column.type) and pa.types.is_decimal(type_):
        column = column.cast(pa.decimal128(38, 4))
    return column.cast(type_)


def _alike(rows: pa.Table, others: pa.Table) -> pa.Table:
    """Rows with the attributes they share with others in the others' types."""
    columns = {name: _as(rows[name], others[name].type) if name in others.column_names else rows[name]
               for name in rows.column_names}
    return pa.table(columns)


def attribute_types(snapshot, tbl: str) -> dict[str, str]:
    """The attributes that a table has already, with their types."""
    if not TABLES[tbl].open:
        return {}
    types = snapshot.sql(f"SELECT * FROM raw_{tbl} LIMIT 0").schema
    named = {type_: name for name, type_ in ATTRIBUTES.items()}
    return {field.name: "decimal" if pa.types.is_decimal(field.type) else named.get(field.type, "text")
            for field in types if field.name not in TABLES[tbl].columns.names}


def last_contact(ledger) -> int:
    """The highest contact id ever given out."""
    counter = schema.counter
    query = sa.select(counter.c.value).where(counter.c.name == "contact")
    with ledger.read() as tx:
        value = tx.execute(query).scalar()
    if value is None:
        with ledger.begin() as tx:
            value = tx.execute(query).scalar()
            if value is None:
                tx.execute(sa.insert(counter), {"name": "contact", "value": 0})
                value = 0
    return value


def _take_ids(seen: int, last: int) -> Callable:
    def take(tx: sa.Connection, _numbers: list[int]) -> None:
        counter = schema.counter
        taken = tx.execute(sa.update(counter).where(counter.c.name == "contact", counter.c.value == seen)
                           .values(value=last))
        if taken.rowcount != 1:
            raise HeadMoved(f"contact ids after {seen} were given out by another load.")
    return take
