"""Migrate: whoever stands in an older version of a chain is moved along into that of its file."""

from collections.abc import Mapping

from marketing.chain import Chain
from marketing.graph import compile
from outbox.wired import Wired
from tasks.recording import recorded, who
from warehouse import reconciling
from warehouse.impact import impact, keep
from warehouse.migrating import NO_PLACE, Moved, migrate
from warehouse.versions import Version, chain_number, register, versions_of

__all__ = ["migrate_chain", "rehearse_migration"]


def migrate_chain(wired: Wired, chain: Chain, queries: Mapping[str, str], mapping: Mapping[str, str], *, run: str,
                  name: str | None = None, starter: str | None = None) -> list[Moved]:
    """Move everybody along who has a place, in a run of its own; those who must stay finish in their version, and that is
    noted. Every contact is accounted for at its end.

    Raises BadMapping.
    """
    warehouse, graph = wired.warehouse, compile(chain)
    ledger, as_of = warehouse.ledger, warehouse.clock.now()
    with recorded(wired, "migrate", run, name=name, params={"chain": chain.name, "map": dict(mapping)}, by=starter) as summary:
        version = register(ledger, graph, chain.params.model_json_schema(), dict(queries), as_of, who(starter))
        moved = migrate(warehouse, version, mapping, run=run, as_of=as_of)
        reconciling.hold(ledger, version.chain, chain.name)
        if not any(one.stays == NO_PLACE for one in moved):
            keep(ledger, impact(ledger, graph, queries), now=as_of, by=starter or "")
        summary["moved"] = sum(one.contacts for one in moved if not one.stays)
    return moved


def rehearse_migration(wired: Wired, chain: Chain, queries: Mapping[str, str], mapping: Mapping[str, str]) -> list[Moved]:
    """What migrate_chain() would do; nothing is written. Raises BadMapping."""
    warehouse, graph = wired.warehouse, compile(chain)
    with warehouse.ledger.read() as tx:
        number = chain_number(tx, chain.name)
    if number is None:
        return []
    alike = [v for v in versions_of(warehouse.ledger, number) if v.graph.digest == graph.digest and v.queries == dict(queries)]
    version = alike[-1] if alike else Version(0, number, 0, graph, dict(queries), {})
    return migrate(warehouse, version, mapping, run="rehearsal", as_of=warehouse.clock.now(), rehearse=True)
