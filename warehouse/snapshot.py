"""A snapshot: one moment of the manifest, read through DuckDB under the public views."""

import re
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from marketing.calendar import add
from marketing.graph import Graph
from warehouse import schema
from warehouse.clock import wall
from warehouse.engine import Engine
from warehouse.manifest import current_number, parts_of
from warehouse.marts import FOLDER, MARTS, MartSettings, set_variables
from warehouse.scan import scan
from warehouse.tables import TABLES

__all__ = ["Snapshot", "public_macros", "public_views"]

VIEWS, MACROS = (Path(__file__).parent / "sql" / folder for folder in ("views", "macros"))
_WORD = re.compile(r"[a-z_][a-z0-9_]*")
#: Longer than any reader; a snapshot whose process died is forgotten after it.
HELD = timedelta(hours=6)

_LEDGER = {
    "ledger_chains": schema.chain, "ledger_versions": schema.version, "ledger_steps": schema.step,
    "ledger_waves": schema.wave, "ledger_runs": schema.run,
}
_TYPES = {sa.DateTime: pa.timestamp("us"), sa.Text: pa.string(), sa.Integer: pa.int64(), sa.BigInteger: pa.int64()}


@cache
def public_views() -> dict[str, str]:
    """Name and query of every view and mart that `relance sql`, audiences and reports may read."""
    files = sorted(VIEWS.glob("*.sql")) + [FOLDER / f"{name}.sql" for name in MARTS]
    return {file.stem: file.read_text(encoding="utf-8") for file in files}


@cache
def public_macros() -> dict[str, tuple[str, str]]:
    """By name the arguments and the query of what can be asked like a view, of something: `FROM received(12, 'offer')`."""
    return {name: (arguments, (MACROS / f"{name}.sql").read_text(encoding="utf-8"))
            for name, arguments in {"received": "of_wave, of_step"}.items()}


class Snapshot:
    """One moment `n`, of one slice or (None) of all; `sql` reads the public views."""

    def __init__(self, warehouse, *, slice: int | None, engine: Engine, n: int | None = None):
        self.warehouse, self.slice, self.engine = warehouse, slice, engine
        self.as_of: datetime | None = None  # the instant by which marts reckon, None for the present one
        self._made: set[str] = set()
        with warehouse.ledger.begin() as tx:
            # The counter is held until the row stands: no part can be listed in between, so whoever sees a later
            # part sees this row too (folding and sweeping rely on it).
            current = current_number(tx, hold=True)
            self.n = current if n is None else n
            self._id = tx.execute(sa.insert(schema.snapshot).returning(schema.snapshot.c.id),
                                  {"n": self.n, "expires_at": wall() + HELD, "note": "reader"}).scalar_one()

    @property
    def con(self):
        """The DuckDB connection with every public view made."""
        self.prepare(" ".join([*public_views(), *public_macros()]))
        return self.engine.con

    def sql(self, query: str, **values) -> pa.Table:
        """The answer of a query over the public views, as an Arrow table."""
        self.prepare(query)
        return self.engine.sql(query, **values)

    def keep(self, *names: str) -> None:
        """Work these views out once, for many questions about the moment; give them in the order in which they rest
        on each other."""
        for name in names:
            self.prepare(name)
            self.engine.execute(f"CREATE OR REPLACE TEMP TABLE kept_{name} AS SELECT * FROM {name}")
            self.engine.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM kept_{name}")

    def prepare(self, query: str) -> None:
        """Make the public views that a query names, and what they rest on."""
        for word in set(_WORD.findall(query.lower())):
            if word not in self._made:
                self._make(word)

    def _make(self, word: str) -> None:
        if word in _LEDGER:
            self._made.add(word)
            self.engine.register(word, _rows(self.warehouse.ledger, _LEDGER[word]))
        elif word == "goals":
            self._made.add(word)
            self.engine.register(word, _goals(self.warehouse))
        elif word.startswith("raw_") and word[4:] in TABLES:
            self._made.add(word)
            with self.warehouse.ledger.read() as tx:
                parts = parts_of(tx, self.n, word[4:], slice=self.slice)
            scan(self.engine, self.warehouse.store, parts, word[4:], word)
        elif word in public_views():
            self._made.add(word)
            if word in MARTS and "variables" not in self._made:
                self._made.add("variables")
                set_variables(self.engine.con, self._settings())
            query = public_views()[word]
            self.prepare(query)
            self.engine.execute(f"CREATE OR REPLACE TEMP VIEW {word} AS {query}")

        elif word in public_macros():
            self._made.add(word)
            arguments, query = public_macros()[word]
            self.prepare(query)
            self.engine.execute(f"CREATE OR REPLACE TEMP MACRO {word}({arguments}) AS TABLE {query}")

    def _settings(self) -> MartSettings:
        house, policy = self.warehouse.house, self.warehouse.policy
        return MartSettings(self.as_of or self.warehouse.clock.now(), house.margin_rate, weights=policy.weights)

    def release(self) -> None:
        with self.warehouse.ledger.begin() as tx:
            tx.execute(sa.delete(schema.snapshot).where(schema.snapshot.c.id == self._id))


def _goals(warehouse) -> pa.Table:
    """One row per wave whose chain has a goal: what counts, and until when."""
    query = sa.select(schema.wave.c.id, schema.wave.c.enrolled_at, schema.version.c.graph).join(
        schema.version, schema.version.c.id == schema.wave.c.version)
    rows = []
    with warehouse.ledger.read() as tx:
        for wave, enrolled_at, text in tx.execute(query):
            graph = Graph.from_json(text)
            if graph.goal:
                rows.append({"chain": graph.chain, "wave": wave, "kind": graph.goal.kind,
                             "closes_at": add(enrolled_at, graph.goal.within, warehouse.house.zone),
                             "holdout": graph.holdout, "arm_by": graph.arm_by})
    return pa.Table.from_pylist(rows, schema=pa.schema([
        ("chain", pa.string()), ("wave", pa.int64()), ("kind", pa.string()), ("closes_at", pa.timestamp("us")),
        ("holdout", pa.float64()), ("arm_by", pa.string())]))


def _rows(ledger, table: sa.Table) -> pa.Table:
    fields = [pa.field(c.name, next(_TYPES[t] for t in type(c.type).__mro__ if t in _TYPES)) for c in table.columns]
    with ledger.read() as tx:
        rows = [dict(row) for row in tx.execute(sa.select(table)).mappings()]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))
