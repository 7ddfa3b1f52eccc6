"""Chains in the ledger: every version kept whole, step names numbered once."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache

import sqlalchemy as sa

from marketing.graph import Graph
from warehouse import schema
from warehouse.journal import MACHINE, Who, write
from warehouse.manifest import current_number

__all__ = ["Version", "all_chains", "chain_number", "chain_numbers", "newest", "register", "versions_of"]


@dataclass(frozen=True)
class Version:
    """One version of a chain as the ledger keeps it: its graph and the text of its queries by name."""

    id: int
    chain: int
    number: int
    graph: Graph
    queries: dict[str, str]
    step_numbers: dict[str, int]

    @cached_property
    def name(self) -> str:
        return self.graph.chain


def chain_number(tx: sa.Connection, name: str) -> int | None:
    return tx.execute(sa.select(schema.chain.c.id).where(schema.chain.c.name == name)).scalar()


def chain_numbers(ledger) -> dict[str, int]:
    """Every chain that a pass has ever run: name and number, by name."""
    with ledger.read() as tx:
        return {name: number for name, number in tx.execute(
            sa.select(schema.chain.c.name, schema.chain.c.id).order_by(schema.chain.c.name))}


def newest(ledger, name: str) -> Version:
    """The version of a chain that its passes used last. Raises LookupError for a chain that never ran."""
    with ledger.read() as tx:
        number = chain_number(tx, name)
    if number is None:
        raise LookupError(f"no pass of {name!r} has run; chains that have: {', '.join(chain_numbers(ledger)) or 'none'}")
    return versions_of(ledger, number)[-1]


def all_chains(ledger) -> list[int]:
    """The numbers of every chain that has ever run here."""
    with ledger.read() as tx:
        return list(tx.execute(sa.select(schema.chain.c.id).order_by(schema.chain.c.id)).scalars())


def register(ledger, graph: Graph, params_schema: dict, queries: dict[str, str], now: datetime,
             who: Who | None = None) -> Version:
    """Keep this version of a chain, or find it: the same graph, parameters and queries are the same version.

    That a chain has changed is in the journal with it; `who` has found it so, None: a run that nobody started.
    """
    digest = _digest(graph, params_schema, queries)
    if known := _known(ledger, graph.chain, digest):  # as at every pass but a few: nothing is written
        return known
    version = schema.version
    with ledger.begin() as tx:
        current_number(tx, hold=True)  # one at a time: two passes may see a new version at once
        chain = chain_number(tx, graph.chain)
        if chain is None:
            chain = tx.execute(sa.insert(schema.chain).returning(schema.chain.c.id), {"name": graph.chain}).scalar_one()
        found = tx.execute(sa.select(version.c.id).where(version.c.chain == chain, version.c.digest == digest)).scalar()
        if found is None:
            number = 1 + (tx.execute(sa.select(sa.func.max(version.c.number)).where(version.c.chain == chain)).scalar() or 0)
            found = tx.execute(sa.insert(version).returning(version.c.id), {
                "chain": chain, "number": number, "digest": digest, "graph": graph.to_json(),
                "params_schema": json.dumps(params_schema, sort_keys=True), "queries": json.dumps(queries, sort_keys=True),
                "created_at": now,
            }).scalar_one()
            if number > 1:
                write(ledger, tx, who or Who("a run", MACHINE), "chain changed",
                      {"chain": graph.chain, "version": number, "digest": digest}, now=now)
        _number_steps(tx, chain, graph)
    return next(v for v in versions_of(ledger, chain) if v.id == found)


def _known(ledger, chain: str, digest: str) -> Version | None:
    version = schema.version
    with ledger.read() as tx:
        found = tx.execute(sa.select(version.c.id, version.c.chain).join(schema.chain, schema.chain.c.id == version.c.chain)
                           .where(schema.chain.c.name == chain, version.c.digest == digest)).first()
    return next((v for v in versions_of(ledger, found[1]) if v.id == found[0]), None) if found else None


def versions_of(ledger, chain: int) -> list[Version]:
    """Every version of a chain, oldest first."""
    with ledger.read() as tx:
        rows = tx.execute(sa.select(schema.version).where(schema.version.c.chain == chain)
                          .order_by(schema.version.c.number)).mappings().all()
        numbers = dict(tx.execute(sa.select(schema.step.c.name, schema.step.c.id)
                                  .where(schema.step.c.chain == chain)).all())
    return [Version(row["id"], chain, row["number"], _read(row["graph"]), json.loads(row["queries"]), numbers)
            for row in rows]


@lru_cache(256)
def _read(text: str) -> Graph:
    """A graph as the ledger keeps it; a process that passes often reads it once."""
    return Graph.from_json(text)


def _number_steps(tx: sa.Connection, chain: int, graph: Graph) -> None:
    known = set(tx.execute(sa.select(schema.step.c.name).where(schema.step.c.chain == chain)).scalars())
    new = [{"chain": chain, "name": step.name} for step in graph.sends if step.name not in known]
    if new:
        tx.execute(sa.insert(schema.step), new)


def _digest(graph: Graph, params_schema: dict, queries: dict[str, str]) -> str:
    from hashlib import sha256

    whole = json.dumps([graph.to_json(), params_schema, queries], sort_keys=True)
    return sha256(whole.encode()).hexdigest()
