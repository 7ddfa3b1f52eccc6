"""What a changed chain file means for those who are in the chain: who stands where, by version, and who has no place."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from marketing.changes import Difference, compare
from marketing.graph import HOLDOUT, Graph
from marketing.mapping import places
from warehouse.journal import Who, write
from warehouse.schema import meta, rest
from warehouse.versions import Version, chain_number, versions_of

__all__ = ["Impact", "Stand", "Standing", "impact", "keep", "who_stands"]


@dataclass(frozen=True)
class Stand:
    """The contacts at one step of one version, and the step of the file that would take them; None for none."""

    version: int
    step: str
    kind: str
    contacts: int
    next_due: datetime | None
    goes: str | None

    @property
    def lost(self) -> bool:
        """Whether they could not be moved along: the step is gone, and nobody has said where to. Who is held out gets
        nothing in any version, and stays."""
        return self.goes is None and self.step != HOLDOUT


@dataclass(frozen=True)
class Standing:
    """One version that contacts are in, or the newest: how the file differs from it, and who stands where.

    kept: somebody has said that they finish in it.
    """

    version: Version
    difference: Difference
    stands: tuple[Stand, ...]
    kept: bool

    @property
    def contacts(self) -> int:
        return sum(stand.contacts for stand in self.stands)


@dataclass(frozen=True)
class Impact:
    """What the file of a chain would mean, by version; none for a chain that never ran."""

    chain: str
    versions: tuple[Standing, ...] = ()

    @property
    def unmapped(self) -> list[Stand]:
        """Steps with contacts that the file does not have, about which nobody has decided: no deployment before that."""
        return [stand for standing in self.versions if not standing.kept for stand in standing.stands if stand.lost]


def impact(ledger, graph: Graph, queries: Mapping[str, str], mapping: Mapping[str, str] | None = None) -> Impact:
    """What a chain as its file says means for those in it; `queries` by name, `mapping` from old steps to new ones."""
    with ledger.read() as tx:
        number = chain_number(tx, graph.chain)
    if number is None:
        return Impact(graph.chain)
    versions, found = versions_of(ledger, number), []
    kept, stands = _kept(ledger), who_stands(ledger, number)
    for version in versions:
        here = [row for row in stands if row.version == version.id]
        if here or version is versions[-1]:
            goes = places(version.graph, graph, mapping or {})
            found.append(Standing(
                version, compare(version.graph, graph, version.queries, queries),
                tuple(_stand(version, row, goes) for row in here), version.id in kept))
    return Impact(graph.chain, tuple(found))


def who_stands(ledger, chain: int) -> list[sa.Row]:
    """How many contacts stand at each step of each version (its id), and when the first is due; the ledger alone says so."""
    query = sa.select(rest.c.version, rest.c.step, sa.func.sum(rest.c.residents).label("contacts"),
                      sa.func.min(rest.c.next_due).label("next_due")).where(
        rest.c.chain == chain, rest.c.residents > 0).group_by(rest.c.version, rest.c.step).order_by(rest.c.version, rest.c.step)
    with ledger.read() as tx:
        return tx.execute(query).all()


def keep(ledger, impact: Impact, *, now: datetime, by: str) -> list[Standing]:
    """Note that whoever is in an older version finishes in it; returns those versions."""
    chosen = [standing for standing in impact.versions if standing.contacts and standing.difference]
    with ledger.begin() as tx:
        for standing in chosen:
            ledger.put(tx, meta, {"key": f"kept:{standing.version.id}",
                                  "value": json.dumps({"since": now.isoformat(), "by": by})}, replace=False)
        new = [standing.version.number for standing in chosen if not standing.kept]
        if new and by:
            write(ledger, tx, Who(by), "keep", {"chain": impact.chain, "versions": new}, now=now)
    return chosen


def _kept(ledger) -> set[int]:
    with ledger.read() as tx:
        keys = tx.execute(sa.select(meta.c.key).where(meta.c.key.like("kept:%"))).scalars()
        return {int(key.removeprefix("kept:")) for key in keys}


def _stand(version: Version, row: sa.Row, goes: Mapping[str, str | None]) -> Stand:
    return Stand(version.number, row.step, version.graph.step(row.step).kind, int(row.contacts), row.next_due, goes[row.step])
