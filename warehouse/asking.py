"""Questions in SQL to one moment of the warehouse, that can change nothing and read nothing else."""

import re

import duckdb
import pyarrow as pa

from warehouse.snapshot import public_views

__all__ = ["NotAQuestion", "ask"]

_ACCEPTED = "accepted: one SELECT, WITH, FROM, DESCRIBE, SHOW or SUMMARIZE"


_TABLES = re.compile(r"\s*show\s+tables\s*;?\s*", re.IGNORECASE)


class NotAQuestion(ValueError):
    """The text is no single reading statement."""


def ask(warehouse, query: str) -> pa.Table:
    """The answer of `query` over every public view and mart of the present moment.

    The engine may open the parts and nothing else: no file, no network, no variable of this process, and its
    settings are locked. Raises NotAQuestion, and duckdb.Error for what DuckDB does not understand.
    """
    if _TABLES.fullmatch(query):
        return _listed()
    engine = warehouse.engine(own=True)
    try:
        with warehouse.snapshot(engine=engine) as snapshot:
            con = snapshot.con
            _hold_to_question(con, query)
            for setting in _locks(warehouse):
                con.execute(setting).fetchall()
            return con.sql(query).to_arrow_table()
    finally:
        engine.close()


def _listed() -> pa.Table:
    """What may be asked, with its grain, rather than all that the engine has made beneath it."""
    views = sorted(public_views().items())
    return pa.table({"name": [name for name, _ in views],
                     "what_it_holds": [query.splitlines()[0].removeprefix("--").strip() for _, query in views]})


def _hold_to_question(con: duckdb.DuckDBPyConnection, query: str) -> None:
    statements = con.extract_statements(query)
    if len(statements) != 1:
        raise NotAQuestion(f"{len(statements)} statements were given; {_ACCEPTED}.")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise NotAQuestion(f"{statements[0].type.name} changes something, or reads what is not the warehouse's; {_ACCEPTED}.")


def _locks(warehouse) -> list[str]:
    # A bucket's parts are read through a cache of files; a folder's are the folder itself.
    folder = str(getattr(warehouse.store, "cache", None) or warehouse.store.root).replace("'", "''")
    return [f"SET allowed_directories = ['{folder}/']", "SET enable_external_access = false",
            "SET python_enable_replacements = false", "SET lock_configuration = true"]
