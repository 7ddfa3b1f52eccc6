"""Collecting: each response is listed once, or set aside with its reason."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from marketing.addresses import address_key
from marketing.responses import BOUNCED_HARD, CLICKED, COMPLAINED, DELIVERED, PURCHASED, REPLIED, UNSUBSCRIBED, Response
from marketing.touch import enrolment, seal, unseal
from warehouse import HeadMoved, schema
from warehouse.collecting import Counts, collect
from warehouse.inbox import Inbox, to_json
from warehouse.tables import TABLES

NOW = datetime(2026, 3, 1)
RECEIVED = "SELECT contact_id, enrolment_id, step, visit, leg, kind, dedup FROM responses ORDER BY dedup"


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


def test_a_keyed_response_finds_its_touch(wh):
    """The key alone says contact, enrolment, step, visit and leg."""
    first, second = plan(wh, 7, "hello", "email", "commercial"), plan(wh, 2_000, "offer", "sms", "commercial", visit=2)
    post(wh, response("a", key=first), response("b", DELIVERED, key=second))

    assert run(wh) == Counts(received=2, listed=2)
    assert rows(wh, RECEIVED) == [
        (7, enrolment(3, 7), "hello", 1, 1, "clicked", "door:a"),
        (2_000, enrolment(3, 2_000), "offer", 2, 1, "delivered", "door:b"),
    ]
    with wh.ledger.read() as tx:
        parts = tx.execute(sa.select(schema.part.c.slice, schema.part.c.lo_at, schema.part.c.hi_at)
                           .where(schema.part.c.tbl == "responses").order_by(schema.part.c.slice)).all()
    then = NOW - timedelta(hours=1)
    assert parts == [(0, then, then), (1, then, then)]


def test_a_response_without_key_is_placed_by_number_or_address(wh):
    """A known number counts; an address is recognised in any spelling; the first of its holders gets the response."""
    list_contacts(wh, (5, "ann@example.org", "+33612345678"), (9, "ann@example.org", None), (1_500, None, "+33698765432"))
    post(wh,
         response("a", PURCHASED, contact_id=1_500), response("b", REPLIED, address=" Ann@Example.org "),
         response("c", REPLIED, address="06 98 76 54 32"), response("d", REPLIED, contact_id=77, address="0612345678"))

    assert run(wh) == Counts(received=4, listed=4)
    assert [(row[0], row[-1]) for row in rows(wh, RECEIVED)] == [
        (1_500, "door:a"), (5, "door:b"), (1_500, "door:c"), (5, "door:d")]


def test_what_cannot_be_placed_is_held_with_its_reason(wh):
    """A forged key, an unknown contact, kind or payload is a line of home/held, and the rest goes on."""
    good = plan(wh, 7, "hello", "email", "commercial")
    post(wh,
         response("forged", key=seal(b"another house", enrolment(3, 7), 1, 1, 1)), response("good", key=good),
         response("kind", kind="teleported", contact_id=1), response("keyless", CLICKED, contact_id=1),
         response("nobody", REPLIED), response("number", REPLIED, contact_id=4_000),
         response("address", REPLIED, address="who@example.org"), response("odd", REPLIED, address="???"))
    box = Inbox(wh)
    box.put("door", "garbage", b"\xff{", NOW)
    box.close()

    assert run(wh) == Counts(received=9, listed=1, held=8)
    reasons = dict(held(wh))
    assert {dedup.removeprefix("door:"): reason.split(";")[0] for dedup, reason in reasons.items()} == {
        "forged": "forged key", "kind": "unknown kind", "keyless": "clicked comes without the key of a touch",
        "nobody": "neither key, contact_id nor address",
        "number": "no contact has this number, and no readable address is given",
        "address": "no contact has this address",
        "odd": "no contact has this number, and no readable address is given",
        "garbage": "the payload is not JSON in UTF-8",
    }
    assert Inbox(wh).size() == 0


def test_the_same_response_is_listed_once(wh):
    """Twice in a drain, again later, by the door and by the poll of one connector: one row; after 90 days it is new."""
    key = plan(wh, 7, "hello", "email", "commercial")
    a, b = response("a", key=key), response("b", key=key)
    post(wh, a, source="smtp")

    assert run(wh, Polled("smtp", [a, b, b])) == Counts(received=4, listed=2, duplicates=2)
    post(wh, b, source="smtp")
    assert run(wh, Polled("sms", [a])) == Counts(received=2, listed=1, duplicates=1)
    assert [row[-1] for row in rows(wh, RECEIVED)] == ["sms:a", "smtp:a", "smtp:b"]
    post(wh, b, source="smtp")
    assert run(wh, as_of=NOW + timedelta(days=91)) == Counts(received=1, listed=1)


def test_the_cursor_moves_with_the_responses(wh):
    """Every page is one commit that also keeps the cursor; the next collection asks from there."""
    key = plan(wh, 7, "hello", "email", "commercial")
    connector = Polled("smtp", [response("a", key=key)], [], [response("b", key=key)])

    assert run(wh, connector).listed == 1
    assert run(wh, connector).listed == 1
    assert connector.asked == [None, "1", "2", "3"]
    assert run(wh, connector) == Counts()


def test_one_connector_that_fails_stops_no_other(wh):
    """The failure is reported by name; the responses of the others are listed."""
    class Broken:
        name = "broken"

        def poll(self, cursor, now):
            raise ConnectionError("the line is dead")

    key = plan(wh, 7, "hello", "email", "commercial")

    counts = run(wh, Broken(), Polled("smtp", [response("a", key=key)]))
    assert (counts.listed, counts.failed) == (1, {"broken": "ConnectionError: the line is dead"})


CONSENTS = "SELECT contact_id, channel, purpose, status FROM consents ORDER BY ALL"
SUPPRESSIONS = "SELECT contact_id, address_key, channel, purpose, reason FROM suppressions ORDER BY ALL"


def test_an_unsubscription_withdraws_the_consent_of_its_touch(wh):
    """With a key, the purpose and channel of the touch, even where a step has two legs on two channels."""
    mail = plan(wh, 7, "hello", "email", "relationship")
    plan(wh, 8, "hello", "email", "relationship")
    text = plan(wh, 8, "hello", "sms", "relationship", leg=2)
    post(wh, response("a", UNSUBSCRIBED, key=mail), response("b", COMPLAINED, key=text))

    assert run(wh) == Counts(received=2, listed=2, withdrawn=2)
    assert rows(wh, CONSENTS) == [(7, "email", "relationship", "withdrawn"), (8, "sms", "relationship", "withdrawn")]


def test_an_unsubscription_by_address_holds_for_all_who_have_it(wh):
    """Without a key it closes commercial and relationship on the address's channels, for each of its holders."""
    list_contacts(wh, (5, "ann@example.org", None), (1_500, "ann@example.org", None), (6, "bob@example.org", None))
    post(wh, response("a", UNSUBSCRIBED, address="ann@example.org"),
         response("b", UNSUBSCRIBED, contact_id=6, meta={"channel": "sms", "purpose": "commercial"}))

    assert run(wh) == Counts(received=2, listed=2, withdrawn=5)
    assert rows(wh, CONSENTS) == [
        (5, "email", "commercial", "withdrawn"), (5, "email", "relationship", "withdrawn"),
        (6, "sms", "commercial", "withdrawn"),
        (1_500, "email", "commercial", "withdrawn"), (1_500, "email", "relationship", "withdrawn"),
    ]


def test_an_unsubscription_from_an_unknown_address_closes_the_address(wh):
    """Nobody has it today, somebody may be loaded with it tomorrow: the address itself is suppressed, the line held."""
    list_contacts(wh, (5, "ann@example.org", None))
    post(wh, response("a", UNSUBSCRIBED, address="who@example.org"))

    assert run(wh) == Counts(received=1, held=1, suppressed=1)
    assert rows(wh, SUPPRESSIONS) == [(None, address_key(wh.key, "who@example.org"), "email", None, "unsubscribed")]


def test_a_hard_bounce_suppresses_the_address(wh):
    """The address that bounced is closed on that channel for everything, for all who hold it."""
    list_contacts(wh, (7, "ann@example.org", "+33612345678"), (1_500, "ann@example.org", None), (9, "old@example.org", None))
    mail, text = plan(wh, 7, "hello", "email", "commercial"), plan(wh, 7, "text", "sms", "commercial")
    moved, letter = plan(wh, 9, "hello", "email", "commercial"), plan(wh, 9, "letter", "post", "commercial")
    post(wh, response("a", BOUNCED_HARD, key=mail), response("b", BOUNCED_HARD, key=text),
         response("c", BOUNCED_HARD, key=moved, address="older@example.org"), response("d", BOUNCED_HARD, key=letter))

    assert run(wh) == Counts(received=4, listed=4, suppressed=5)
    key = lambda text: address_key(wh.key, text)  # noqa: E731
    assert sorted(rows(wh, SUPPRESSIONS), key=str) == sorted([
        (7, key("ann@example.org"), "email", "all", "bounced_hard"),
        (1_500, key("ann@example.org"), "email", "all", "bounced_hard"),
        (7, key("+33612345678"), "sms", "all", "bounced_hard"),
        (9, key("older@example.org"), "email", "all", "bounced_hard"),
        (9, None, "post", "all", "bounced_hard"),
    ], key=str)


def test_a_collector_that_lost_the_race_begins_again(wh, monkeypatch):
    """Two collections at once list every response once, whoever commits first."""
    key = plan(wh, 7, "hello", "email", "commercial")
    post(wh, *(response(str(n), key=key) for n in range(5)), response("bad", key="x"))
    from warehouse import collecting

    others = []

    def somebody_is_quicker(place: str) -> None:
        if place == "collect.before_commit" and not others:
            others.append(None)
            others.append(run(wh))

    monkeypatch.setattr(collecting, "reach", somebody_is_quicker)

    assert (others, run(wh)) == ([None, Counts(received=6, listed=5, held=1)], Counts())
    assert len(rows(wh, RECEIVED)) == 5
    assert held(wh) == [("door:bad", "forged key")]


def test_it_gives_up_loudly_when_it_never_gets_its_turn(local, monkeypatch):
    """A head that moves for ever is an error, not an endless loop; the inbox keeps everything."""
    post(local, response("a", REPLIED, contact_id=1))
    from warehouse.commit import Commit

    def never(self):
        raise HeadMoved("moved")

    with monkeypatch.context() as patch:
        patch.setattr(Commit, "apply", never)
        with pytest.raises(HeadMoved):
            run(local)
    assert Inbox(local).size() == 1


COLLECT = """
import sys
from datetime import datetime
from pathlib import Path
from marketing.house import House
from marketing.policy import Policy
from marketing.touch import unseal
from warehouse import Warehouse
from warehouse.collecting import collect
home = Path(sys.argv[1])
wh = Warehouse.open(home, House.read(home / "house.toml"), Policy.read(home / "policy.toml"), slice_bits=10)
collect(wh, [], run="killed", as_of=datetime(2026, 3, 1), unseal=unseal)
"""


@pytest.mark.parametrize("place", ["collect.before_commit", "commit.in_transaction", "commit.done",
                                   "collect.before_clearing"])
def test_a_killed_collection_loses_and_doubles_nothing(local, place):
    """kill -9 anywhere, then a collection: each response is listed once, each bad one held once."""
    key = plan(local, 7, "hello", "email", "commercial")
    post(local, *(response(str(n), key=key) for n in range(9)), response("bad", key="x"),
         response("gone", UNSUBSCRIBED, key=key))
    died = subprocess.run([sys.executable, "-c", COLLECT, str(local.home)], check=False, env={
        **os.environ, "RELANCE_FAILPOINT": place, "PYTHONPATH": str(Path(__file__).parents[2])})
    post(local, response("later", key=key), response("worse", key="y"))
    run(local)

    assert died.returncode == -signal.SIGKILL
    assert [row[-1] for row in rows(local, RECEIVED)] == sorted([*(f"door:{n}" for n in range(9)), "door:gone", "door:later"])
    assert rows(local, CONSENTS) == [(7, "email", "commercial", "withdrawn")]
    assert held(local) == [("door:bad", "forged key"), ("door:worse", "forged key")]
    assert Inbox(local).size() == 0


def test_it_keeps_up(local):
    """25,000 responses a second are drained."""
    key, count = local.key, 30_000
    plan(local, 7, "hello", "email", "commercial")
    payloads = [{"source": "door", "dedup": str(n), "received_at": NOW,
                 "payload": to_json(response(str(n), key=seal(key, enrolment(3, n), 1, 1, 1)))} for n in range(count)]
    box = Inbox(local)
    with box.engine.begin() as tx:
        tx.execute(sa.insert(schema.inbox), payloads)
    started = time.perf_counter()
    counts = run(local)
    rate = count / (time.perf_counter() - started)

    assert counts.listed == count
    assert rate >= 25_000, f"{rate:,.0f} a second"
