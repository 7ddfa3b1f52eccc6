"""Parts as relations: files and inline rows of one table behind one view."""

from collections.abc import Sequence
from functools import cache

import pyarrow as pa

from warehouse.engine import Engine
from warehouse.manifest import Part
from warehouse.tables import TABLES, Table

__all__ = ["VARYING", "decode", "encode", "query_of", "scan", "shown", "wide"]

#: Types of the constants that a view shows beside the stored columns.
_CONSTANT_TYPES = {
    "chain": pa.int64(), "version": pa.int64(), "run": pa.string(), "from_step": pa.string(), "to_step": pa.string(),
    "reason": pa.string(), "channel": pa.string(), "purpose": pa.string(), "connector": pa.string(),
    "cost": pa.decimal128(18, 6), "happened_at": pa.timestamp("us"), "upto": pa.int64(), "slice": pa.int32(),
    "n": pa.int64(),
}
#: Manifest columns that differ between commits of one kind; all others are equal within a folded part.
VARYING = ("run", "happened_at", "cost")


def encode(table: pa.Table) -> bytes:
    """The rows of a small part, to travel inside its manifest row."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def decode(inline: bytes) -> pa.Table:
    return pa.ipc.open_stream(inline).read_all()


#: The same types as DuckDB writes them.
_SQL_TYPES = {
    "int64": "BIGINT", "int32": "INTEGER", "int16": "SMALLINT", "uint8": "UTINYINT", "uint32": "UINTEGER", "uint64": "UBIGINT",
    "string": "VARCHAR", "bool": "BOOLEAN", "timestamp[us]": "TIMESTAMP", "decimal128(18, 4)": "DECIMAL(18,4)",
    "decimal128(18, 6)": "DECIMAL(18,6)",
}


def wide(table: Table) -> dict[str, str]:
    """The constants that a folded part holds as columns, since they differ by row: view column -> manifest column."""
    return {name: column for name, column in table.constants.items() if column in VARYING}


def scan(engine: Engine, store, parts: Sequence[Part], tbl: str, view: str, constants: bool = True) -> None:
    """Create the temporary view `view` over `parts` of the table `tbl`: see `query_of`."""
    engine.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS " + query_of(engine, store, parts, tbl, view, constants))


def query_of(engine: Engine, store, parts: Sequence[Part], tbl: str, name: str, constants: bool = True) -> str:
    """The query of all rows of `parts` of the table `tbl`; `name` is that of what it needs beside the files.

    With `constants`, what stands in the manifest rows is shown as columns. No parts give no rows.
    """
    table = TABLES[tbl]
    inline = [part for part in parts if part.inline is not None]
    sources = []
    for schema in (1, 2):
        files = [part for part in parts if part.path and part.schema == schema]
        if files:
            sources.append(_files(engine, store, files, table, f"{name}_{schema}", constants, own=schema == 2))
    if inline:
        sources.append(_inline(engine, inline, table, name, constants))
    elif table.open or not sources:  # an open table's view always has its documented columns
        sources.append(_nothing(tbl, constants))
    return " UNION ALL BY NAME ".join(sources)


def _files(engine: Engine, store, parts: Sequence[Part], table: Table, view: str, constants: bool, own: bool) -> str:
    paths = store.local([part.path for part in parts])
    stored = "f.*" if table.open else ", ".join(f"f.{name}" for name in table.columns.names)
    files = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    if not (constants and table.constants):
        return f"SELECT {stored} FROM read_parquet([{files}], union_by_name = {table.open}) AS f"
    held, differing = wide(table) if own else {}, {}
    for name, column in table.constants.items():
        values = [getattr(part, column) for part in parts]
        if name in held:
            stored += f", f.{name}"
        elif all(value == values[0] for value in values):
            stored += f", {_typed(values[0], _CONSTANT_TYPES[column])} AS {name}"
        else:
            stored += f", p.{name}"
            differing[name] = pa.array(values, _CONSTANT_TYPES[column])
    if not differing:
        return f"SELECT {stored} FROM read_parquet([{files}]) AS f"
    engine.register(f"{view}_parts", pa.table({"part_file": paths, **differing}))
    return (f"SELECT {stored} FROM read_parquet([{files}], filename = true) AS f "
            f"JOIN {view}_parts AS p ON p.part_file = f.filename")


def _typed(value, kind: pa.DataType) -> str:
    """A constant as SQL text: what all parts have in common costs no join."""
    sql = _SQL_TYPES[str(kind)]
    return f"NULL::{sql}" if value is None else "'" + str(value).replace("'", "''") + f"'::{sql}"


def _inline(engine: Engine, parts: Sequence[Part], table: Table, view: str, constants: bool) -> str:
    pieces = [shown(part, table, constants) for part in parts]
    empty = table.empty()
    if constants:
        for name in table.constants:
            empty = empty.append_column(name, pa.array([], _CONSTANT_TYPES[table.constants[name]]))
    engine.register(f"{view}_inline", pa.concat_tables([empty, *pieces], promote_options="permissive"))
    return f"SELECT * FROM {view}_inline"


@cache
def _nothing(tbl: str, constants: bool) -> str:
    """No rows of a table, with its columns: text alone, since to register an empty Arrow table costs milliseconds."""
    table = TABLES[tbl]
    typed = [(field.name, field.type) for field in table.columns]
    typed += [(name, _CONSTANT_TYPES[column]) for name, column in table.constants.items()] if constants else []
    return "SELECT " + ", ".join(f"NULL::{_SQL_TYPES[str(kind)]} AS {name}" for name, kind in typed) + " WHERE false"


def shown(part: Part, table: Table, constants: bool) -> pa.Table:
    """The rows of a small part, with its constants as columns or without any."""
    rows = decode(part.inline)
    held = [name for name in wide(table) if part.schema == 2]
    if not constants:
        return rows.drop_columns(held)
    for name, values in _constants([part], table).items():
        if name not in held:
            rows = rows.append_column(name, pa.repeat(values[0], rows.num_rows))
    return rows


def _constants(parts: Sequence[Part], table: Table) -> dict[str, pa.Array]:
    return {name: pa.array([getattr(part, column) for part in parts], _CONSTANT_TYPES[column])
            for name, column in table.constants.items()}
