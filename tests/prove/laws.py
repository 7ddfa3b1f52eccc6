"""The laws that hold in a world whatever has happened to its processes, and the numbers beside them."""

from collections import Counter
from datetime import timedelta

import sqlalchemy as sa

from marketing.touch import seal
from tests.prove.worker import BATCH
from tests.prove.world import AT_MOST, WITHIN_DAYS, World
from warehouse import Warehouse, maintenance, schema
from warehouse.clock import wall
from warehouse.determinism import relations
from warehouse.manifest import current_number, parts_of
from warehouse.outbox import open_batches
from warehouse.reconciling import account, contradictions
from warehouse.records import KEPT
from warehouse.tables import TABLES

__all__ = ["hold", "state", "table"]

UNKNOWN = "unknown"
#: Every touch with its token's parts and what was said of it.
SETTLED = """
SELECT t.enrolment_id, s.id AS step_no, t.visit, t.leg, r.outcome, t.contact_id, t.planned_at
FROM touches AS t
JOIN ledger_chains AS c ON c.name = t.chain
JOIN ledger_steps AS s ON s.chain = c.id AND s.name = t.step
LEFT JOIN receipts AS r ON r.enrolment_id = t.enrolment_id AND r.chain = t.chain AND r.step = t.step
     AND r.visit = t.visit AND r.leg = t.leg
"""


def state(world: World) -> dict[str, list[tuple]]:
    """What the world's passes have decided, in the columns that are compared."""
    warehouse = world.open()
    try:
        with warehouse.snapshot() as snapshot:
            return relations(snapshot)
    finally:
        warehouse.close()


def hold(world: World) -> dict[str, int]:
    """Hold every law over the world as it stands; returns the numbers that a person reads."""
    warehouse = world.open()
    try:
        _hold_accounts(warehouse)
        numbers = _hold_touches(world, warehouse)
        _hold_cap(warehouse)
        _hold_consent(warehouse)
        numbers |= _hold_files(warehouse) | {"orphans": len(world.counts.orphans)}
    finally:
        warehouse.close()
    return {"kills": world.counts.kills, "starts": world.counts.starts, **numbers}


def _hold_accounts(warehouse: Warehouse) -> None:
    """Entered = active + ended, in every chain and by contact."""
    with warehouse.ledger.read() as tx:
        chains = tx.execute(sa.select(schema.chain.c.id, schema.chain.c.name)).all()
    for number, name in chains:
        balance = account(warehouse.ledger, number)
        assert balance.balanced, f"{name}: {balance}"
        with warehouse.snapshot() as snapshot:
            assert contradictions(snapshot, name) == []


def _hold_touches(world: World, warehouse: Warehouse) -> dict[str, int]:
    """No message twice; every touch settled; what is said to be made was made, and nothing else was."""
    assert open_batches(warehouse.ledger) == {}, "touches are left in the outbox"
    with warehouse.snapshot() as snapshot:
        rows = snapshot.sql(SETTLED).to_pylist()
    said = {seal(warehouse.key, row["enrolment_id"], row["step_no"], row["visit"], row["leg"]): row["outcome"] for row in rows}
    assert len(said) == len(rows), "a touch stands twice"
    assert [key for key, outcome in said.items() if outcome is None] == [], "touches were never settled"
    made = Counter(key for key, *_ in world.sink())
    twice = {key: many for key, many in made.items() if many > 1}
    assert twice == {}, f"{len(twice)} messages were made twice"
    assert set(made) <= set(said), "a message was made that nobody planned"
    accepted = {key for key, outcome in said.items() if outcome in ("accepted", "duplicate")}
    unknown = {key for key, outcome in said.items() if outcome == UNKNOWN}
    assert accepted <= set(made), "a touch is said to be made, and was not"
    assert set(made) <= accepted | unknown, "a message was made, and is said not to have been"
    if world.setup.connector != "neither":
        assert len(unknown) == 0, f"{len(unknown)} touches are unknown"
    assert len(unknown) <= BATCH * world.counts.kills, "more is unknown than was in flight"
    return {"touches": len(said), "sink lines": sum(made.values()), "calls": world.calls(), "duplicates": len(twice),
            "unknown": len(unknown), "of them made": len(unknown & set(made))}


def _hold_cap(warehouse: Warehouse) -> None:
    """No contact has more touches than the cap allows, over all chains; those not made have given their place back."""
    with warehouse.snapshot() as snapshot:
        rows = snapshot.sql(SETTLED.replace("SELECT t.", "SELECT t.purpose, t.", 1)).to_pylist()
    by_contact: dict[int, list] = {}
    for row in rows:
        if row["purpose"] != "transactional" and row["outcome"] in ("accepted", "duplicate", UNKNOWN):
            by_contact.setdefault(row["contact_id"], []).append(row["planned_at"])
    for contact, planned in by_contact.items():
        planned.sort()
        over = [one for first, one in zip(planned, planned[AT_MOST:]) if one - first < timedelta(days=WITHIN_DAYS)]
        assert over == [], f"contact {contact} is past the cap at {over}"


def _hold_consent(warehouse: Warehouse) -> None:
    """Who said yes and no at the same instant is not written to."""
    with warehouse.snapshot() as snapshot:
        written = snapshot.sql("SELECT contact_id, step FROM touches WHERE purpose = 'commercial' AND channel <> 'post' "
                               "AND contact_id % 17 = 0 AND contact_id % 13 <> 0").to_pylist()
    assert written == []


def _hold_files(warehouse: Warehouse) -> dict[str, int]:
    """What is visible is what the manifest lists, row by row; once no pass can be made again, a sweep leaves no other file,
    and none is gone."""
    with warehouse.ledger.read() as tx:
        number = current_number(tx)
        parts = {tbl: parts_of(tx, number, tbl) for tbl in TABLES}
    with warehouse.snapshot() as snapshot:
        for tbl, listed in parts.items():
            seen = snapshot.sql(f"SELECT count(*) AS rows FROM raw_{tbl}")["rows"][0].as_py()
            assert seen == sum(part.rows for part in listed), f"{tbl}: {seen} rows are seen, others are listed"
    listed = {part.path for some in parts.values() for part in some if part.path}
    before = {path for path, _ in warehouse.store.files()}
    assert listed <= before, "a listed file is gone"
    maintenance.sweep(warehouse, now=wall() + KEPT + timedelta(days=1), grace=timedelta(0))
    assert {path for path, _ in warehouse.store.files()} == listed, "a sweep left, or took, what it should not"
    return {"files": len(listed)}


def table(title: str, rows: dict[str, dict[str, int]]) -> str:
    """The numbers of several worlds, to be read."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    width = max(len(title), *(len(label) for label in rows))
    lines = [f"{title:<{width}}  " + "  ".join(f"{name:>{max(7, len(name))}}" for name in names)]
    lines += [f"{label:<{width}}  " + "  ".join(f"{row.get(name, 0):>{max(7, len(name))},}" for name in names)
              for label, row in rows.items()]
    return "\n".join(lines)
