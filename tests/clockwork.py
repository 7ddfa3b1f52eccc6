"""A chain under a clock that the test owns: passes at any instant, no sleep, and the moves of each contact."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from connectors.memory import Memory, MemorySettings
from connectors.message import Messages
from flows import recipe
from marketing.house import House
from marketing.policy import Policy
from marketing.responses import Response
from marketing.touch import seal
from outbox.wired import Wired
from warehouse import Warehouse, schema
from warehouse.inbox import Inbox, to_json
from warehouse.tables import TABLES

__all__ = ["Clockwork", "utc"]

EVERYBODY = "SELECT contact_id FROM contacts"


def utc(text: str) -> datetime:
    """An instant (naive UTC) as tests write it: 2026-03-29 07:00."""
    return datetime.fromisoformat(text)


class Clockwork:
    """One chain over contacts {number: zone} in the house's zone; everything sent is accepted at once."""

    def __init__(self, home: Path, monkeypatch, chain, contacts: dict[int, str | None], start: datetime, policy: str = ""):
        (home / "policy.toml").write_text('country = "FR"\n' + policy)
        self.chain, house = chain, House.read(home / "house.toml")
        house = house.model_copy(update={
            "channels": dict.fromkeys(house.channels, "memory"), "connectors": {"memory": {"kind": "memory"}}})
        self.warehouse = Warehouse.open(home, house, Policy.read(home / "policy.toml"), threads=1)
        self.warehouse.clock.simulate(start)
        memory = Memory("memory", MemorySettings(record=False, idempotent=False))
        self.wired = Wired(self.warehouse, {"memory": memory}, Messages(home, "fr"),
                           wall=lambda: datetime.now(UTC).replace(tzinfo=None))
        monkeypatch.setattr(recipe.chains, "load", {chain.name: chain}.__getitem__)
        monkeypatch.setattr(recipe, "queries", lambda chain: {chain.audience: EVERYBODY})
        self._load(contacts, start)

    def at(self, *instants: str) -> None:
        """One pass at each instant (UTC)."""
        for instant in instants:
            self.warehouse.clock.advance(utc(instant))
            recipe.run_pass(self.wired, self.chain.name, run=f"pass at {instant}")

    def hear(self, contact: int, step: str, kind: str, happened_at: str, **meta: str) -> None:
        """A response to a contact's touch of a step, put into the inbox."""
        (enrolment, visit), = self.rows("SELECT enrolment_id, visit FROM touches WHERE contact_id = $contact AND step = $step",
                                        contact=contact, step=step)
        with self.warehouse.ledger.read() as tx:
            number = tx.execute(sa.select(schema.step.c.id).where(schema.step.c.name == step)).scalar_one()
        key, instant = seal(self.warehouse.key, enrolment, number, visit, 1), utc(happened_at)
        box = Inbox(self.warehouse)
        box.put("test", f"{contact}/{step}", to_json(Response(f"{contact}/{step}", kind, instant, instant, key=key, meta=meta)),
                instant)
        box.close()

    def moves(self, contact: int = 1) -> list[tuple[str, str, str, str]]:
        """(to, reason, due, moved) of each move of a contact, instants written as tests write them."""
        return [(to, reason, _shown(due), _shown(moved)) for to, reason, due, moved in self.rows(
            "SELECT to_step, reason, due_at, moved_at FROM moves WHERE contact_id = $contact ORDER BY enrolment_id, seq",
            contact=contact)]

    def refusals(self, contact: int = 1) -> list[tuple[str, str, str | None]]:
        """(step, reason, until) of each refusal of a contact, in order."""
        return [(step, reason, until and _shown(until)) for step, reason, until in self.rows(
            "SELECT step, reason, until_at FROM refusals WHERE contact_id = $contact ORDER BY refused_at", contact=contact)]

    def rows(self, query: str, **values) -> list[tuple]:
        with self.warehouse.snapshot() as snapshot:
            return [tuple(row.values()) for row in snapshot.sql(query, **values).to_pylist()]

    def close(self) -> None:
        self.warehouse.close()

    def _load(self, contacts: dict[int, str | None], now: datetime) -> None:
        rows = [{"contact_id": number, "client_id": f"c{number}", "email": f"c{number}@example.org", "email_key": number + 1,
                 "phone": f"+3361234{number:04}", "phone_key": number + 1, "zone": zone, "created_at": now}
                for number, zone in contacts.items()]
        columns = TABLES["contacts"].columns
        commit = self.warehouse.commit(run="load", as_of=now)
        commit.add("contacts", pa.Table.from_pylist([{name: row.get(name) for name in columns.names} for row in rows], columns),
                   slice=0)
        commit.apply()


def _shown(instant: datetime | None) -> str | None:
    return instant and instant.isoformat(" ", "minutes" if instant.second == 0 else "auto")
