"""A small shop for the rules of a pass: chains written in the test, contacts as rows, a simulated clock."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from connectors.memory import Memory, MemorySettings, forget
from connectors.message import Messages
from flows import recipe
from marketing.addresses import address_key
from marketing.chain import RELATIONSHIP, Chain, Send
from marketing.house import House
from marketing.policy import Policy
from marketing.responses import Response
from marketing.touch import seal
from outbox.wired import Wired
from tests.houses import HOUSE
from warehouse import Warehouse, reconciling
from warehouse.inbox import Inbox, to_json
from warehouse.tables import TABLES

NAMES = ("mail", "text", "agenda", "print")
START = datetime(2026, 3, 2, 9)  # a Monday, ten in the morning in Paris

CHANNELS = """
[channels]
email = "mail"
sms = "text"
phone = "agenda"
post = "print"
[connectors.mail]
kind = "memory"
[connectors.text]
kind = "memory"
[connectors.agenda]
kind = "memory"
[connectors.print]
kind = "memory"
"""


def one_send(by="email", purpose=RELATIONSHIP, name="hello", **more) -> Chain:
    """A chain of one message to everybody."""
    return Chain(name=name, title=name, kind="loyalty", audience="everybody",
                 steps=[Send("hi", by=by, message="hi", purpose=purpose, **more)])


class Shop:
    """`passes` makes a pass of a chain at a moment; `rows` asks the public views."""

    def __init__(self, home: Path, monkeypatch, *chains, policy: str = 'country = "FR"', queries: dict | None = None,
                 slice_bits: int = 20, url: str | None = None, **settings):
        (home / "house.toml").write_text(HOUSE + CHANNELS)
        (home / "policy.toml").write_text(policy)
        forget()
        self.warehouse = Warehouse.open(home, House.read(home / "house.toml"), Policy.read(home / "policy.toml"), url,
                                        slice_bits=slice_bits, threads=1)
        self.warehouse.clock.simulate(START)
        self.connectors = {name: Memory(name, MemorySettings(**{"record": False, "slow": 0.0, "script": {}, **settings.get(name, {})}))
                           for name in NAMES}
        self.wired = Wired(self.warehouse, self.connectors, Messages(home, "fr"),
                           wall=lambda: datetime.now(UTC).replace(tzinfo=None))
        self.by_name = {chain.name: chain for chain in chains}
        self.asked = {"everybody": "SELECT contact_id FROM contacts", "nobody": "SELECT contact_id FROM contacts WHERE false",
                      **(queries or {})}
        monkeypatch.setattr(recipe.chains, "load", self.by_name.__getitem__)
        monkeypatch.setattr(recipe, "queries", lambda chain: self.asked)
        self.runs = 0

    # -- what there is

    def add(self, chain: Chain, **queries: str) -> None:
        """A further chain, and its audiences."""
        self.by_name[chain.name] = chain
        self.asked.update(queries)

    def contacts(self, *people: dict) -> None:
        """Contacts with an e-mail address, a phone and a postal address of their own, unless they say otherwise."""
        key = self.warehouse.key
        for person in people:
            number = person["contact_id"]
            for name, value in {"client_id": f"c{number}", "email": f"c{number}@example.org", "phone": f"+3361{number:07d}",
                                "address_1": "1 rue Haute", "postcode": "57000", "created_at": START}.items():
                person.setdefault(name, value)
            for name in ("email", "phone"):
                person[f"{name}_key"] = address_key(key, person[name]) if person[name] else None
        self.put("contacts", *people)

    def put(self, tbl: str, *rows: dict) -> None:
        """Rows of a table, each in its slice."""
        commit = self.warehouse.commit(run="load", as_of=self.warehouse.clock.now())
        for slice in sorted({self.warehouse.slice_of(row["contact_id"]) for row in rows}):
            mine = [row for row in rows if self.warehouse.slice_of(row["contact_id"]) == slice]
            commit.add(tbl, pa.Table.from_pylist(mine, schema=TABLES[tbl].columns), slice=slice)
        commit.apply()

    def consent(self, contact: int, channel: str, purpose: str, status: str, moment: datetime | None = None) -> None:
        self.put("consents", {"contact_id": contact, "channel": channel, "purpose": purpose, "status": status,
                               "happened_at": moment or self.warehouse.clock.now()})

    def order(self, contact: int, moment: datetime, number: str = "o1") -> None:
        self.put("orders", {"contact_id": contact, "order_id": number, "line_id": "1", "ordered_at": moment, "amount": 10})

    def answer(self, kind: str, contact: int, step: str, *, visit: int = 1, chain: str | None = None, **meta) -> None:
        """A response to a touch, put in the inbox."""
        found = self.rows("SELECT enrolment_id, step FROM touches WHERE contact_id = $contact AND step = $step",
                          contact=contact, step=step)
        number = self.rows("SELECT id FROM ledger_steps WHERE name = $step", step=step)[0][0]
        now, self.runs = self.warehouse.clock.now(), self.runs + 1
        said = Response(f"r{self.runs}", kind, now, now, key=seal(self.warehouse.key, found[-1][0], number, visit, 1),
                        contact_id=None, address=None, meta=meta)
        box = Inbox(self.warehouse)
        box.put("test", said.dedup, to_json(said), now)
        box.close()

    # -- what happens

    def passes(self, chain: str, moment: datetime | None = None, **kwargs):
        """One pass, with its sends; everybody must be accounted for afterwards, by contact."""
        if moment:
            self.warehouse.clock.advance(moment)
        self.runs += 1
        summary = recipe.run_pass(self.wired, chain, run=f"run-{self.runs}", **kwargs)
        with self.warehouse.snapshot() as snapshot:
            assert reconciling.contradictions(snapshot, chain) == []
        return summary

    def rows(self, query: str, **values) -> list[tuple]:
        with self.warehouse.snapshot() as snapshot:
            return [tuple(row.values()) for row in snapshot.sql(query, **values).to_pylist()]

    def touches(self) -> list[tuple]:
        return self.rows("SELECT contact_id, step, channel, visit, leg FROM touches ORDER BY ALL")

    def refusals(self) -> list[tuple]:
        return self.rows("SELECT contact_id, step, reason, until_at FROM refusals ORDER BY ALL")

    def places(self, chain: str) -> list[tuple]:
        return self.rows("SELECT contact_id, arg_max(to_step, seq) FROM moves WHERE chain = $chain GROUP BY contact_id, "
                         "enrolment_id ORDER BY ALL", chain=chain)
