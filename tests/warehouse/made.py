"""Contacts, touches, responses and moves, made for the tests of state."""

import json
from datetime import datetime, timedelta

import pyarrow as pa
import sqlalchemy as sa

from marketing.addresses import address_key
from marketing.responses import CLICKED, Response
from marketing.touch import enrolment, seal, unseal
from warehouse import schema
from warehouse.collecting import Counts, collect
from warehouse.inbox import Inbox, to_json
from warehouse.maintenance import fold_small
from warehouse.manifest import parts_of
from warehouse.tables import TABLES

NOW = datetime(2026, 3, 1)
RECEIVED = "SELECT contact_id, enrolment_id, step, visit, leg, kind, dedup FROM responses ORDER BY dedup"
CONSENTS = "SELECT contact_id, channel, purpose, status FROM consents ORDER BY ALL"
MOVES = "SELECT enrolment_id, from_step, to_step, reason, moved_at, run FROM raw_moves ORDER BY ALL"
SUPPRESSIONS = "SELECT contact_id, address_key, channel, purpose, reason FROM suppressions ORDER BY ALL"


class Polled:
    """A connector that answers pages of responses by cursor, the n-th page for cursor n."""

    def __init__(self, name: str, *pages: list[Response]):
        self.name, self.pages, self.asked = name, pages, []

    def poll(self, cursor, now):
        self.asked.append(cursor)
        page = int(cursor or 0)
        return (self.pages[page], str(page + 1)) if page < len(self.pages) else ([], cursor)


def response(dedup: str, kind: str = CLICKED, **more) -> Response:
    return Response(dedup=dedup, kind=kind, happened_at=NOW - timedelta(hours=1), received_at=NOW, **more)


def post(wh, *responses: Response, source: str = "door") -> None:
    box = Inbox(wh)
    for future in [box.submit(source, one.dedup, to_json(one), one.received_at) for one in responses]:
        future.result()
    box.close()


def run(wh, *connectors, as_of: datetime = NOW) -> Counts:
    return collect(wh, connectors, run="r", as_of=as_of, unseal=unseal)


def rows(wh, query: str, **values) -> list[tuple]:
    with wh.snapshot() as snap:
        return [tuple(row.values()) for row in snap.sql(query, **values).to_pylist()]


def held(wh) -> list[tuple]:
    lines = [json.loads(line) for file in sorted((wh.home / "held").glob("*.jsonl"))
             for line in file.read_text(encoding="utf-8").splitlines()]
    return sorted((line["dedup"], line["reason"]) for line in lines)


def list_contacts(wh, *contacts: tuple[int, str | None, str | None]) -> None:
    """Contacts of (number, e-mail, telephone)."""
    columns = {name: [] for name in TABLES["contacts"].columns.names}
    for number, mail, phone in contacts:
        row = {"contact_id": number, "client_id": f"c{number}", "email": mail, "phone": phone, "created_at": NOW,
               "email_key": mail and address_key(wh.key, mail), "phone_key": phone and address_key(wh.key, phone)}
        for name, column in columns.items():
            column.append(row.get(name))
    table = pa.table(columns, schema=TABLES["contacts"].columns)
    commit = wh.commit(run="load", as_of=NOW)
    for slice in sorted({wh.slice_of(number) for number, _, _ in contacts}):
        chosen = [wh.slice_of(number) == slice for number, _, _ in contacts]
        commit.add("contacts", table.filter(pa.array(chosen)), slice=slice)
    commit.apply()


def plan(wh, contact_id: int, step: str, channel: str, purpose: str, *, visit: int = 1, leg: int = 1) -> str:
    """Plan one touch of the chain `win_back`, wave 3; returns its token."""
    enrolment_id = enrolment(3, contact_id)
    with wh.ledger.begin() as tx:
        if tx.execute(sa.select(schema.chain.c.id)).first() is None:
            tx.execute(sa.insert(schema.chain), {"id": 1, "name": "win_back"})
            tx.execute(sa.insert(schema.version), {
                "id": 1, "chain": 1, "number": 1, "digest": "d", "graph": "{}", "params_schema": "{}",
                "queries": "{}", "created_at": NOW})
        steps = schema.step
        step_no = tx.execute(sa.select(steps.c.id).where(steps.c.name == step)).scalar()
        if step_no is None:
            step_no = tx.execute(sa.insert(steps).returning(steps.c.id), {"chain": 1, "name": step}).scalar_one()
    commit = wh.commit(run="pass", as_of=NOW - timedelta(days=1))
    touch = {"enrolment_id": enrolment_id, "visit": visit, "leg": leg, "seq": 1}
    commit.add("touches", pa.Table.from_pylist([touch], TABLES["touches"].columns), slice=wh.slice_of(contact_id),
               chain=1, version=1, to_step=step, channel=channel, purpose=purpose, connector="smtp")
    commit.apply()
    return seal(wh.key, enrolment_id, step_no, visit, leg)


def move(wh, number: int, *, after: timedelta = timedelta(0), run: str = "r", to: str = "b", count: int = 1) -> list[int]:
    """Commit `count` moves of the enrolments from `number` on; returns the numbers of the parts."""
    commit = wh.commit(run=run, as_of=NOW + after)
    some = [{"enrolment_id": n, "seq": 0, "visit": 1, "since": 0, "passed": 0, "planned": 0, "due_at": NOW}
            for n in range(number, number + count)]
    commit.add("moves", pa.Table.from_pylist(some, TABLES["moves"].columns), slice=0, chain=1, version=1,
               from_step="a", to_step=to, reason="next")
    return commit.apply()


def live(wh, tbl: str = "moves") -> list:
    with wh.ledger.read() as tx:
        return parts_of(tx, 1 << 60, tbl)


def fold(wh, more_than: int = 3) -> int:
    return fold_small(wh, run="fold", as_of=NOW, more_than=more_than)
