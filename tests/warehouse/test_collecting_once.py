"""Collecting: each response is listed once, whatever comes twice, races or dies."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from marketing.responses import REPLIED, UNSUBSCRIBED
from tests.warehouse.made import CONSENTS, NOW, RECEIVED, Polled, held, plan, post, response, rows, run
from warehouse import HeadMoved, collecting
from warehouse.collecting import Counts
from warehouse.commit import Commit
from warehouse.inbox import Inbox


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


def test_a_collector_that_lost_the_race_begins_again(wh, monkeypatch):
    """Two collections at once list every response once, whoever commits first."""
    key = plan(wh, 7, "hello", "email", "commercial")
    post(wh, *(response(str(n), key=key) for n in range(5)), response("bad", key="x"))
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
