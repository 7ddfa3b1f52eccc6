"""Reconciliation: whoever entered a chain is in it, at its goal, or out of it for a reason; by contact."""

from dataclasses import dataclass

import sqlalchemy as sa

from marketing.graph import ENTRY
from warehouse.engine import statement
from warehouse.schema import part, rest
from warehouse.versions import versions_of

__all__ = ["Account", "Imbalance", "account", "contradictions", "hold"]


class Imbalance(Exception):
    """Contacts of a chain are unaccounted for, or counted twice: a defect, never a circumstance."""


@dataclass(frozen=True)
class Account:
    """Entered = active + ended, counted from the manifest; `ends` by step and reason of the move."""

    entered: int
    active: int
    ends: dict[tuple[str, str], int]

    @property
    def balanced(self) -> bool:
        return self.entered == self.active + sum(self.ends.values())

    def __str__(self) -> str:
        ends = ", ".join(f"{count:,} {to} ({reason})" for (to, reason), count in sorted(self.ends.items()))
        verdict = "balanced" if self.balanced else "NOT BALANCED"
        return f"{self.entered:,} entered = {self.active:,} active" + (f" + {ends}" if ends else "") + f": {verdict}"


def account(ledger, chain: int) -> Account:
    """The account of a chain over all slices, from the ledger alone."""
    ends = {step.name for version in versions_of(ledger, chain) for step in version.graph.steps if step.kind == "end"}
    moves = (part.c.chain == chain, part.c.tbl == "moves", part.c.retired_n.is_(None))
    with ledger.read() as tx:
        entered = tx.execute(sa.select(sa.func.sum(part.c.rows)).where(*moves, part.c.from_step == ENTRY)).scalar()
        active = tx.execute(sa.select(sa.func.sum(rest.c.residents)).where(rest.c.chain == chain)).scalar()
        rows = tx.execute(sa.select(part.c.to_step, part.c.reason, sa.func.sum(part.c.rows)).where(
            *moves, part.c.to_step.in_(ends)).group_by(part.c.to_step, part.c.reason)).all()
    return Account(int(entered or 0), int(active or 0), {(to, reason): int(count) for to, reason, count in rows})


def hold(ledger, chain: int, name: str) -> None:
    """Raise `Imbalance` unless everybody who entered the chain is accounted for."""
    found = account(ledger, chain)
    if not found.balanced:
        raise Imbalance(f"{name}: {found}. Run: relance reconcile {name}")


def contradictions(snapshot, chain: str, most: int = 20) -> list[str]:
    """By contact: enrolments whose moves do not follow on one another, that stand in two places, touches that
    stand twice, receipts without a touch. Empty when all is well; else sentences that name them."""
    found = []
    for name in ("broken_paths", "double_enrolments", "double_touches", "stray_receipts"):
        query = statement(f"reconciling/{name}")
        rows = snapshot.sql(query, chain=chain, most=most).to_pylist()
        found += [f"{row['what']}: contact {row['contact_id']}, enrolment {row['enrolment_id']}, {row['detail']}" for row in rows]
    return found
