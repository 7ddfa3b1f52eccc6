"""What a preview reads of one contact: the row that a sender would read, and the audiences that the contact is in."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from marketing.graph import Graph
from warehouse.engine import parameters
from warehouse.sending import selected

__all__ = ["attributes", "audiences_of", "rep_of", "row_of"]


def attributes(snapshot) -> pa.Schema:
    """The columns that contacts have here, those of the house's own among them."""
    snapshot.prepare("contacts")
    return snapshot.engine.sql("SELECT * FROM contacts LIMIT 0").schema


def row_of(snapshot, contact_id: int, channel: str, variables: frozenset[str], rep: str | None) -> dict[str, Any]:
    """The contact as a sender reads it for a message by a channel: address, and what `variables` name."""
    columns = variables & frozenset(attributes(snapshot).names)
    (row,) = snapshot.sql(f"SELECT {selected(channel, columns)}, $rep::VARCHAR AS rep FROM contacts AS c "
                          "WHERE c.contact_id = $contact_id", contact_id=contact_id, rep=rep).to_pylist()
    return {name: value for name, value in row.items() if name not in ("email_key", "phone_key")}


def rep_of(snapshot, graph: Graph, contact_id: int, queries: Mapping[str, str], as_of: datetime) -> str | None:
    """Who would ring the contact: whom it is given to in this chain, else the first whom the Assign's query offers."""
    given = snapshot.sql("SELECT rep FROM assignments WHERE chain = $chain AND contact_id = $contact_id "
                         "ORDER BY assigned_at DESC, visit DESC LIMIT 1", chain=graph.chain, contact_id=contact_id)
    if given.num_rows:
        return given["rep"][0].as_py()
    for query in (queries[step.to] for step in graph.steps if step.kind == "assign" and step.to in queries):
        offered = _asked(snapshot, query, contact_id, {}, as_of, "min(rep) AS rep")
        return offered["rep"][0].as_py()
    return None


def audiences_of(snapshot, contact_id: int, queries: Mapping[str, str], names: Collection[str], params: Mapping[str, Any],
                 as_of: datetime) -> frozenset[str]:
    """Those of the audiences `names` that the contact is in now, asked with these parameters."""
    found = {name: _asked(snapshot, queries[name], contact_id, params, as_of, "count(*) AS many")["many"][0].as_py()
             for name in names if name in queries}
    return frozenset(name for name, many in found.items() if many)


def _asked(snapshot, query: str, contact_id: int, params: Mapping[str, Any], as_of: datetime, what: str) -> pa.Table:
    snapshot.prepare(query)
    wanted = parameters(query)
    values = {name: value for name, value in {**params, "as_of": as_of}.items() if name in wanted}
    return snapshot.engine.sql(f"SELECT {what} FROM ({query}) AS asked WHERE contact_id = $contact_id_asked",
                               **values, contact_id_asked=contact_id)
