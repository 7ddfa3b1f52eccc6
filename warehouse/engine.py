"""DuckDB in memory, one database per process and a connection per task: reads parts, keeps only temporary tables."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path

import duckdb
import pyarrow as pa

from marketing.chance import DRAW_SQL

__all__ = ["Engine", "statement"]

SQL = Path(__file__).parent / "sql"
_PARAMETER = re.compile(r"\$([a-z_][a-z0-9_]*)")
_COMMENT = re.compile(r"--[^\n]*")
_MADE = re.compile(r"\s*CREATE (?:OR REPLACE )?TEMP (TABLE|VIEW) (\w+)( AS\b)?")
_CHANGED = re.compile(r"\s*(?:INSERT INTO|DROP TABLE|DROP VIEW IF EXISTS) (\w+)")
_READS = re.compile(r"(\s|--[^\n]*\n)*(SELECT|WITH|FROM|COPY|SET|RESET)\b")

#: From so many rows on, what is spent by the row counts more than what is spent by the statement.
MANY = 50_000


@cache
def statement(name: str) -> str:
    """The text of warehouse/sql/<name>.sql, one statement."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


@lru_cache(2048)
def parameters(query: str) -> frozenset[str]:
    """The $names that a query takes."""
    return frozenset(_PARAMETER.findall(_COMMENT.sub("", query)))


class Engine:
    """A DuckDB connection with a memory limit; queries by file name or text, values by `$name`.

    Engines of one process with the same settings are connections to one database, which costs a hundredth of a
    database each (0.2 ms for 20 ms); they share its memory limit, and nothing else, for all they keep is temporary.
    `own`: a database of its own, for who changes settings of the whole.
    """

    def __init__(self, memory_limit: str = "320MB", threads: int = 2, spill: Path | None = None, *, own: bool = False):
        settings = (memory_limit, threads, str(spill) if spill else None)
        self.con = _open(*settings) if own else _shared(os.getpid(), *settings).cursor()
        self._rows: dict[str, int] = {}

    def run(self, name: str, **values) -> list[tuple]:
        """Execute a statement file; values it does not name are left out."""
        return self.execute(statement(name), **values)

    def keep(self, table: str, name: str, **values) -> str:
        """Keep the answer of a statement file as a temporary table; returns its name."""
        self.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {statement(name)}", **values)
        return table

    def execute(self, query: str, **values) -> list[tuple]:
        """Execute to the end (a result left open would block the next statement); returns all rows."""
        rows = self.con.execute(query, _bound(query, values)).fetchall()
        self._note(query, rows)
        return rows

    def sql(self, query: str, **values) -> pa.Table:
        """The answer of a query as an Arrow table."""
        return self.con.sql(query, params=_bound(query, values) or None).to_arrow_table()

    def value(self, query: str, **values):
        """The first column of the first row, None where there is none."""
        rows = self.execute(query, **values)
        return rows[0][0] if rows else None

    def count(self, relation: str) -> int:
        """The rows of a relation; of a temporary table what DuckDB said when it was made, without asking again."""
        known = self._rows.get(relation)
        return self.value(f"SELECT count(*) FROM {relation}") if known is None else known

    def distinct(self, relation: str, column: str, rows: int) -> int:
        """How many different values a column has, of that many rows."""
        with self.dense(rows):
            return self.value(f"SELECT count(DISTINCT {column}) FROM {relation}")

    @contextmanager
    def dense(self, rows: int) -> Iterator[None]:
        """Within it, that many rows are grouped by ids of one slice.

        Many lie so close that an array takes them: a sixth of the CPU of hashing. Few may lie as far apart as any, and
        are hashed.
        """
        if many := rows >= MANY:
            self.execute("SET perfect_ht_threshold = 22")
        try:
            yield
        finally:
            if many:
                self.execute("RESET perfect_ht_threshold")

    def _note(self, query: str, rows: list[tuple]) -> None:
        if made := _MADE.match(query):
            self._rows.pop(made[2], None)
            if made[1] == "TABLE" and made[3]:
                self._rows[made[2]] = rows[0][0]
        elif changed := _CHANGED.match(query):
            self._rows.pop(changed[1], None)
        elif not _READS.match(query):
            self._rows.clear()

    def register(self, name: str, table: pa.Table) -> None:
        self._rows.pop(name, None)
        self.con.register(name, table)

    def drop(self, *names: str) -> None:
        for name in names:
            self.execute(f"DROP VIEW IF EXISTS {name}")

    def close(self) -> None:
        self.con.close()


def _open(memory_limit: str, threads: int, spill: str | None) -> duckdb.DuckDBPyConnection:
    # The limit is DuckDB's own; Arrow tables and Python come on top of it. A part never changes: its footer is read once.
    config = {"memory_limit": memory_limit, "threads": threads, "preserve_insertion_order": True,
              "autoinstall_known_extensions": False, "autoload_known_extensions": False}
    con = duckdb.connect(config=config | ({"temp_directory": spill} if spill else {}))
    for setting in ("TimeZone = 'UTC'", "parquet_metadata_cache = true"):
        con.execute(f"SET GLOBAL {setting}").fetchall()
    con.execute(DRAW_SQL.replace("TEMP MACRO", "MACRO")).fetchall()  # for all connections to come
    return con


@cache
def _shared(process: int, memory_limit: str, threads: int, spill: str | None) -> duckdb.DuckDBPyConnection:
    """The database of a process, by its number: one that was forked has lost the threads of its parent's."""
    return _open(memory_limit, threads, spill)


def _bound(query: str, values: dict) -> dict:
    wanted = parameters(query)
    return {name: value for name, value in values.items() if name in wanted}
