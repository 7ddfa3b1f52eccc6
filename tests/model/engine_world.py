"""The same world through the real engine: one warehouse with small slices, a simulated clock, scripted connectors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from connectors.memory import Memory, MemorySettings
from connectors.message import Messages
from flows import recipe
from marketing.addresses import address_key
from marketing.house import House
from marketing.policy import WEEKDAYS, Policy
from marketing.responses import PURCHASED, Response
from marketing.touch import seal
from outbox.wired import Wired
from tests.houses import FEW, HOUSE
from tests.model.facts import Planned
from tests.model.random_chains import AUDIENCES
from tests.model.worlds import LATENCY, Event, World, said
from warehouse import Warehouse, schema
from warehouse.inbox import Inbox, to_json
from warehouse.maintenance import fold_small
from warehouse.passing import slice_pass
from warehouse.tables import TABLES

__all__ = ["EngineWorld"]

CHANNELS = """
[channels]
email = "memory"
sms = "memory"
post = "press"
[connectors.memory]
kind = "memory"
[connectors.press]
kind = "memory"
"""
LETTERS = """
[[cap]]
name = "letters"
channels = ["post"]
at_most = {letters}
within_days = 30
"""
WINDOW = """
[[hours]]
channel = "{channel}"
weekdays = {weekdays}
from = "{opens:02}:00"
to = "{closes:02}:00"
"""
#: The columns of the slow model's rows, the wave's number left out.
RELATIONS = {
    "moves": "SELECT chain, contact_id, seq, from_step, to_step, reason, visit, due_at, moved_at FROM moves",
    "touches": "SELECT chain, contact_id, step, visit, leg, channel, planned_at FROM touches",
    "refusals": "SELECT chain, contact_id, step, visit, leg, reason, until_at, stage, refused_at FROM refusals",
}


class EngineWorld:
    """A world in a folder of its own; `happen()` each event, then read the relations."""

    def __init__(self, world: World, home: Path, monkeypatch):
        self.world, self.runs, self.answers, self.orders = world, 0, 0, 0
        home.mkdir(parents=True, exist_ok=True)
        (home / "house.toml").write_text(HOUSE + CHANNELS)
        (home / "policy.toml").write_text(_policy(world))
        house, policy = House.read(home / "house.toml"), Policy.read(home / "policy.toml")
        self.warehouse = Warehouse.open(home, house, policy, slice_bits=4, threads=1)
        _be_hasty(self.warehouse.ledger.engine)
        self.warehouse.clock.simulate(world.events[0].moment)
        connectors = {name: Memory(name, MemorySettings(record=False, idempotent=False, script=self._outcome, latency=latency))
                      for name, latency in (("memory", timedelta()), ("press", LATENCY["post"]))}
        self.wired = Wired(self.warehouse, connectors, Messages(home, "fr"),
                           wall=lambda: datetime.now(UTC).replace(tzinfo=None), send_for=0)
        chains = {chain.name: chain for chain in world.chains}
        monkeypatch.setattr(recipe.chains, "load", chains.__getitem__)
        monkeypatch.setattr(recipe, "queries", self._queries)
        monkeypatch.setattr(slice_pass, "FEEDS", world.feeds)
        self._load_contacts()
        self.inbox = Inbox(self.warehouse)
        _be_hasty(self.inbox.engine)

    def close(self) -> None:
        self.inbox.close()
        self.warehouse.close()

    # -- what happens

    def happen(self, event: Event, answered: list[tuple[int, Planned | None]]) -> None:
        """One event, with the touches that the answers are keyed to."""
        self.warehouse.clock.advance(event.moment)
        self.runs += 1
        match event.what:
            case "pass":
                recipe.run_pass(self.wired, event.chain, run=f"run-{self.runs}")
            case "drain":
                for connector in self.wired.connectors:
                    recipe.do(recipe.send, self.wired, connector, f"run-{self.runs}")
                recipe.do(recipe.fold, self.wired, f"run-{self.runs}")
            case "suppression":
                until = event.lasts and event.moment + event.lasts
                self._list("suppressions", [
                    {"contact_id": contact, "reason": "test", "from_at": event.moment, "until_at": until,
                     "channel": event.channel, "purpose": event.purpose} for contact in event.people], event.moment)
            case "consent":
                self._list("consents", [
                    {"contact_id": contact, "channel": channel, "purpose": purpose, "status": event.status,
                     "happened_at": event.moment - event.ago} for contact, channel, purpose in said(event)], event.moment)
            case "return":
                self._list("orders", [self._order(contact, event.moment, -5) for contact in event.people], event.moment)
            case "tidy":
                fold_small(self.warehouse, run=f"run-{self.runs}", as_of=event.moment, more_than=1)
            case "answer":
                for contact, touch in answered:
                    self._answer(event, contact, touch)

    def _outcome(self, touch, now):
        return self.world.outcome(touch.contact_id, touch.tags["step"], int(touch.tags["visit"]), int(touch.tags["leg"]))

    def _answer(self, event: Event, contact: int, touch: Planned | None) -> None:
        happened_at = event.moment - event.ago
        self.answers += 1
        if event.kind == PURCHASED and touch is None:
            self._list("orders", [self._order(contact, happened_at, 10)], event.moment)
            return
        key = self._key(touch) if touch else None
        if touch is None or key is not None:
            response = Response(f"r{self.answers}", event.kind, happened_at, event.moment, key=key,
                                contact_id=None if touch else contact, machine=event.machine, meta=event.meta)
            self.inbox.put("test", response.dedup, to_json(response), event.moment)

    def _order(self, contact: int, ordered_at: datetime, amount: int) -> dict:
        self.orders += 1
        return {"contact_id": contact, "order_id": f"o{self.orders}", "line_id": "1", "ordered_at": ordered_at,
                "amount": Decimal(amount)}

    def _key(self, touch: Planned) -> str | None:
        """The token of a touch of the model, if the engine enrolled that contact at the same moment."""
        waves = self._ledger_rows(sa.select(schema.wave.c.id).join(schema.chain, schema.chain.c.id == schema.wave.c.chain).where(
            schema.chain.c.name == touch.chain, schema.wave.c.enrolled_at == touch.enrolment.enrolled_at))
        enrolments = [wave << 36 | touch.contact for wave, in waves]
        if len(enrolments) > 1:
            enrolments = [number for number, in self.rows(
                "SELECT enrolment_id FROM enrolments WHERE list_contains($numbers, enrolment_id) ORDER BY 1", numbers=enrolments)]
        numbers = self._ledger_rows(sa.select(schema.step.c.id).join(schema.chain, schema.chain.c.id == schema.step.c.chain).where(
            schema.chain.c.name == touch.chain, schema.step.c.name == touch.step))
        if not enrolments or not numbers:
            return None
        return seal(self.warehouse.key, enrolments[-1], numbers[0][0], touch.visit, touch.leg)

    def _ledger_rows(self, query: sa.Select) -> list[tuple]:
        with self.warehouse.ledger.read() as tx:
            return [tuple(row) for row in tx.execute(query)]

    # -- what it says

    def rows(self, query: str, **values) -> list[tuple]:
        with self.warehouse.snapshot() as snapshot:
            return _rows(snapshot, query, **values)

    def relations(self) -> dict[str, list[tuple]]:
        """Moves, touches and refusals, as of one moment."""
        with self.warehouse.snapshot() as snapshot:
            return {name: _rows(snapshot, query) for name, query in RELATIONS.items()}

    # -- what it stands on

    def _queries(self, chain) -> dict[str, str]:
        """Audiences as lists of (moment, contact): each pass of the script finds who is in them then."""
        passes = [event for event in self.world.events if (event.what, event.chain) == ("pass", chain.name)]
        members = {"everybody": [(e.moment, e.people) for e in passes]}
        members |= {name: [(e.moment, e.groups[name]) for e in passes] for name in AUDIENCES}
        return {name: _query(sorted({(moment, one) for moment, people in listed for one in people}))
                for name, listed in members.items()}

    def _load_contacts(self) -> None:
        now, contacts, consents = self.world.events[0].moment, [], []
        for contact in self.world.contacts:
            number, here = contact.contact_id, contact.channels
            mail = f"{contact.household or f'c{number}'}@example.org"
            phone = f"+3361234{0 if contact.household else number:04}"
            row = {"contact_id": number, "client_id": f"c{number}", "zone": contact.zone, "created_at": now}
            if "email" in here:
                row |= {"email": mail, "email_key": address_key(self.warehouse.key, mail)}
            if "sms" in here:
                row |= {"phone": phone, "phone_key": address_key(self.warehouse.key, phone)}
            if "post" in here:
                row |= {"last_name": "Martin", "address_1": f"{number} rue Haute", "postcode": "75001", "city": "Paris",
                        "country": "FR"}
            contacts.append(row)
            consents += [{"contact_id": number, "channel": channel, "purpose": purpose, "status": status,
                          "happened_at": now - timedelta(days=30)} for (channel, purpose), status in contact.consents.items()]
        self._list("contacts", contacts, now)
        self._list("consents", consents, now)

    def _list(self, tbl: str, rows: list[dict], now: datetime) -> None:
        """Rows of a table, listed by one commit."""
        self.runs += 1
        commit = self.warehouse.commit(run=f"load-{self.runs}", as_of=now)
        columns = TABLES[tbl].columns
        for slice in sorted({self.warehouse.slice_of(row["contact_id"]) for row in rows}):
            own = [row for row in rows if self.warehouse.slice_of(row["contact_id"]) == slice]
            commit.add(tbl, pa.Table.from_pylist([{n: row.get(n) for n in columns.names} for row in own], columns), slice=slice)
        commit.apply()


def _query(members: list[tuple[datetime, int]]) -> str:
    """A query that returns the members of the pass's moment."""
    if not members:
        return "SELECT contact_id FROM contacts WHERE contact_id < 0 AND $as_of IS NOT NULL"
    values = ", ".join(f"(TIMESTAMP '{moment.isoformat(sep=' ')}', {contact})" for moment, contact in members)
    return (f"SELECT c.contact_id FROM contacts AS c JOIN (VALUES {values}) AS m (moment, contact_id) "
            "ON m.contact_id = c.contact_id WHERE m.moment = $as_of")


def _policy(world: World) -> str:
    text = 'country = "FR"\n' + FEW.format(at_most=world.at_most, within_days=world.within_days)
    text += LETTERS.format(letters=world.letters) if world.letters else ""
    return text + "".join(
        WINDOW.format(channel=channel, weekdays=[WEEKDAYS[day] for day in weekdays], opens=opens, closes=closes)
        for channel, windows in world.hours.items() for weekdays, opens, closes in windows)


def _rows(snapshot, query: str, **values) -> list[tuple]:
    return [tuple(row.values()) for row in snapshot.sql(query, **values).to_pylist()]


def _be_hasty(engine: sa.Engine) -> None:
    """No waiting for the disk: these warehouses need not outlive their process, and do nothing but commit."""
    engine.dispose()
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
