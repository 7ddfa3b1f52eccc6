"""Approvals in the ledger: a wave is asked for, decided on, entered, or lapses; each step one transaction with its entry."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from marketing.approval import APPROVED, AWAITING, ENTERED, LAPSED, REJECTED, VOID, Approval
from warehouse import journal, schema
from warehouse.acts import approval
from warehouse.journal import Who

__all__ = ["NotAwaiting", "ask", "bound", "decide", "end", "enter", "found", "lapse", "latest", "listed", "mark_unbound",
           "unbound"]

#: The kind of a wave that nobody has entered: it waits for approval.
WAITS = "awaiting"
_UNBOUND = "unbound:"


class NotAwaiting(LookupError):
    """A decision on a wave that awaits none."""


def ask(ledger, *, chain: int, version: int, run: str, params: Mapping[str, Any], contacts: int, cost: Decimal,
        messages: Mapping[str, str], summary: Mapping[str, Any], now: datetime, lapses_at: datetime) -> int:
    """Write down a wave that waits for a person; returns its number, the same when a run is made again."""
    wave, text = schema.wave, _plain(params)
    with ledger.begin() as tx:
        number = tx.execute(sa.select(wave.c.id).where(wave.c.chain == chain, wave.c.run == run, wave.c.kind == WAITS)).scalar()
        if number is None:
            number = tx.execute(sa.insert(wave).returning(wave.c.id), {
                "chain": chain, "version": version, "run": run, "kind": WAITS, "enrolled_at": now, "params": text,
                "audience": 0, "entered": 0, "held_out": 0}).scalar_one()
            tx.execute(sa.insert(approval), {
                "wave": number, "chain": chain, "run": run, "params": text, "state": AWAITING, "asked_at": now,
                "lapses_at": lapses_at, "contacts": contacts, "cost": cost, "messages": json.dumps(messages, sort_keys=True),
                "summary": json.dumps(summary, sort_keys=True, default=str)})
    return number


def decide(ledger, wave: int, who: Who, *, approve: bool, now: datetime, why: str = "", most_contacts: int | None = None,
           most_cost: Decimal | None = None, messages: Mapping[str, str] | None = None) -> Approval:
    """Approve a wave, as it was asked for or less of it, or reject it; an approval may be taken back until somebody enters.

    `messages` binds it to other digests than those it was asked with: the messages were read again. Who has entered
    already stays; an approval given again then binds what is still to be sent. Raises NotAwaiting.
    """
    one = found(ledger, wave)
    again = approve and one.state in (APPROVED, ENTERED) and messages is not None
    late = now > one.lapses_at and one.state == AWAITING
    if late or not (again or one.state == AWAITING or one.state == APPROVED and not approve):
        raise NotAwaiting(f"wave {wave} cannot be {'approved' if approve else 'rejected'}: it "
                           f"{'lapsed at ' + one.lapses_at.isoformat() if late else 'is ' + one.state}.")
    values: dict[str, Any] = {"decided_at": now, "decided_by": who.name, "known": who.known, "why": why[:500]}
    if not again:
        values["state"] = APPROVED if approve else REJECTED
        if approve:
            values |= {"most_contacts": min(most_contacts or one.contacts, one.contacts),
                       "most_cost": min(one.cost if most_cost is None else most_cost, one.cost)}
    if messages is not None:
        values["messages"] = json.dumps(messages, sort_keys=True)
    told = {"wave": wave, "chain": one.chain, "contacts": values.get("most_contacts", one.most_contacts),
            "cost": values.get("most_cost", one.most_cost), "again": again} if approve else {"wave": wave, "chain": one.chain}
    with ledger.begin() as tx:
        changed = tx.execute(sa.update(approval).where(approval.c.wave == wave, approval.c.state == one.state).values(**values))
        if changed.rowcount != 1:
            raise NotAwaiting(f"wave {wave} was decided on by somebody else a moment ago; see relance approvals.")
        if again:  # what waits is looked at again with the message as it now is
            tx.execute(sa.delete(schema.meta).where(schema.meta.c.key.like(f"{_UNBOUND}{wave}:%")))
        journal.write(ledger, tx, who, "approve" if approve else "reject", told, now=now, why=why)
    return found(ledger, wave)


def lapse(ledger, chain: int, now: datetime) -> None:
    """Waves of a chain whose hour has come without a decision, or that no pass has entered since, lapse."""
    with ledger.begin() as tx:
        tx.execute(sa.update(approval).where(
            approval.c.chain == chain, approval.c.state.in_((AWAITING, APPROVED)), approval.c.lapses_at < now,
        ).values(state=LAPSED))


def enter(ledger, wave: int, *, run: str, version: int, as_of: datetime) -> None:
    """From now on the approved wave is one that this run enrols; where another has begun it stays that one's."""
    with ledger.begin() as tx:
        tx.execute(sa.update(schema.wave).where(schema.wave.c.id == wave, schema.wave.c.kind == WAITS).values(
            kind="audience", run=run, version=version, enrolled_at=as_of))


def end(ledger, wave: int, state: str) -> None:
    """A wave is over for the passes: an approved one has entered everywhere, or what it was bound to has changed."""
    if state not in (ENTERED, VOID):
        raise ValueError(f"a wave ends as {ENTERED} or {VOID}, not as {state}")
    with ledger.begin() as tx:
        tx.execute(sa.update(approval).where(
            approval.c.wave == wave, approval.c.state.in_((AWAITING, APPROVED))).values(state=state))


def found(ledger, wave: int) -> Approval:
    """The approval of a wave. Raises NotAwaiting where none was ever asked for."""
    one = _read(ledger, approval.c.wave == wave)
    if not one:
        waiting = ", ".join(str(other.wave) for other in listed(ledger, AWAITING)) or "none"
        raise NotAwaiting(f"no approval was asked for a wave {wave}; waves that await one: {waiting}.")
    return one[0]


def latest(ledger, chain: int, params: Mapping[str, Any]) -> Approval | None:
    """The last that was asked for a chain's wave with these parameters."""
    rows = _read(ledger, sa.and_(approval.c.chain == chain, approval.c.params == _plain(params)))
    return rows[-1] if rows else None


def listed(ledger, *states: str, chain: int | None = None) -> list[Approval]:
    """Those in some states, oldest first; of one chain, or of all."""
    where = approval.c.state.in_(states) if states else sa.true()
    return _read(ledger, where if chain is None else where & (approval.c.chain == chain))


def bound(ledger, waves: Sequence[int]) -> dict[int, dict[str, str]]:
    """Of these waves those that were approved, and the digests of the messages that they are bound to."""
    query = sa.select(approval.c.wave, approval.c.messages).where(
        approval.c.wave.in_(waves), approval.c.state.in_((APPROVED, ENTERED)))
    with ledger.read() as tx:
        return {wave: json.loads(text) for wave, text in tx.execute(query)}


def mark_unbound(ledger, wave: int, step: str, held: bool) -> None:
    """Touches of an approved wave wait at a step since its message has changed, or no longer do; somebody is told of it."""
    key = f"{_UNBOUND}{wave}:{step}"
    with ledger.read() as tx:
        known = tx.execute(sa.select(schema.meta.c.key).where(schema.meta.c.key == key)).first() is not None
    if known != held:
        with ledger.begin() as tx:
            if held:
                ledger.put(tx, schema.meta, {"key": key, "value": step})
            else:
                tx.execute(sa.delete(schema.meta).where(schema.meta.c.key == key))


def unbound(ledger) -> list[tuple[int, str]]:
    """The waves, with their steps, of which touches wait until their message is what was approved, or is approved too."""
    with ledger.read() as tx:
        keys = tx.execute(sa.select(schema.meta.c.key).where(schema.meta.c.key.like(f"{_UNBOUND}%"))).scalars().all()
    return sorted((int(wave), step) for wave, step in (key.removeprefix(_UNBOUND).split(":", 1) for key in keys))


def _read(ledger, where) -> list[Approval]:
    query = sa.select(approval, schema.chain.c.name).join(schema.chain, schema.chain.c.id == approval.c.chain).where(where)
    with ledger.read() as tx:
        rows = tx.execute(query.order_by(approval.c.wave)).mappings().all()
    return [Approval(**{column.name: row[column.name] for column in approval.c} | {
        "chain": row["name"], **{name: json.loads(row[name]) for name in ("params", "messages", "summary")}}) for row in rows]


def _plain(params: Mapping[str, Any]) -> str:
    return json.dumps(params, sort_keys=True, default=str)
