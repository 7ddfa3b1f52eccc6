"""Cancelling: what was handed over for somebody who has since left, and may still be taken back."""

from collections.abc import Iterable

import pyarrow as pa
import sqlalchemy as sa

from marketing.graph import ANYWHERE
from marketing.touch import Touch
from warehouse.manifest import current_number, parts_of
from warehouse.scan import scan
from warehouse.schema import part, watermark
from warehouse.versions import versions_of

__all__ = ["mark_cancelled", "to_cancel"]


def to_cancel(warehouse, connector: str, chains: Iterable[int]) -> tuple[list[Touch], int]:
    """The accepted touches of a connector whose contacts left by goal or exit since the last look, and that look's moment."""
    engine, found = warehouse.engine(), []
    try:
        with warehouse.ledger.read() as tx:
            now = current_number(tx)
            seen = tx.execute(sa.select(watermark.c.n).where(
                watermark.c.reader == _reader(connector), watermark.c.slice == 0)).scalar() or 0
        for chain in chains:
            found += _of_chain(warehouse, engine, connector, chain, seen, now)
        return found, now
    finally:
        engine.close()


def _of_chain(warehouse, engine, connector: str, chain: int, seen: int, now: int) -> list[Touch]:
    versions = versions_of(warehouse.ledger, chain)
    leaving = {(edge.on, edge.to) for version in versions for edge in version.graph.out(ANYWHERE)}
    of_chain = part.c.chain == chain
    with warehouse.ledger.read() as tx:
        left = parts_of(tx, now, "moves", of_chain, part.c.place > seen, part.c.reason.in_({on for on, _ in leaving}),
                        part.c.to_step.in_({to for _, to in leaving}))
        receipts = parts_of(tx, now, "receipts", of_chain, part.c.connector == connector, part.c.reason == "made") if left else []
    if not receipts:
        return []
    numbers = versions[-1].step_numbers
    scan(engine, warehouse.store, left, "moves", "left_since")
    scan(engine, warehouse.store, receipts, "receipts", "made")
    engine.register("numbers", pa.table({"step": list(numbers), "step_no": pa.array(numbers.values(), pa.int32())}))
    return [Touch(*row) for row in engine.execute("""
        SELECT DISTINCT r.enrolment_id, n.step_no, r.visit, r.leg FROM made AS r
        SEMI JOIN left_since AS l ON l.enrolment_id = r.enrolment_id JOIN numbers AS n ON n.step = r.step ORDER BY ALL""")]


def mark_cancelled(warehouse, connector: str, upto: int) -> None:
    """What was listed up to this moment has been looked at."""
    with warehouse.ledger.begin() as tx:
        warehouse.ledger.put(tx, watermark, {"reader": _reader(connector), "slice": 0, "n": upto})


def _reader(connector: str) -> str:
    return f"cancel:{connector}"
