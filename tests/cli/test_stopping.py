"""`relance stop`, `stops`, `release` and `withdraw`."""

import pytest

from flows import wiring
from warehouse import journal
from warehouse import stops as room


@pytest.fixture(scope="module")
def waiting(loaded, environment):
    """A house whose loyalty chain has planned its first messages, and whose outbox keeps them."""
    environment.setenv("RELANCE_SEND_FOR", "0")
    assert loaded("pass", "loyalty_six_contacts", "--plain").code == 0
    environment.delenv("RELANCE_SEND_FOR")
    return loaded


@pytest.fixture(autouse=True)
def nothing_stands(waiting):
    """Each test begins with nothing stopped."""
    yield
    for one in room.ordered(wiring.wired().warehouse.ledger):
        waiting("release", str(one.id))


def planned(relance) -> int:
    return relance("sql", "select count(*) as many from touches", "--json").json["rows"][0]["many"]


def test_stop(waiting):
    """It says what has left and what has not, by chain, step and wave, and how to go on."""
    many = planned(waiting)
    said, record = waiting("stop", "wave", "1", "--why", "a wrong price"), waiting("stop", "wave", "1", "--json").json
    lines = said.out.splitlines()

    assert said.code == 0 and lines[0] == "Wave 1 is stopped."
    assert f"0 touches have left or may have, {many} have not." in lines
    assert lines[-1] == f"To let the rest go: relance release {record['stop']}, or for ever: relance withdraw 1"
    assert (record["new"], record["left"], record["not_left"], record["why"]) == (False, 0, many, "a wrong price")
    assert record["sends"] == [{"chain": "loyalty_six_contacts", "step": "thank_you", "wave": 1, "planned": many,
                                "outcomes": {}, "not_left": many}]


def test_stops_and_release(waiting):
    """What stands is listed with who, why and how many wait; released, it says how many may leave."""
    waiting("stop", "all", "--why", "a wrong price")
    waiting("stop", "connector", "folder")
    found = waiting("stops", "--json").json["stops"]

    assert [(one["scope"], one["name"], one["why"], one["waiting"]) for one in found] == [
        ("all", "", "a wrong price", planned(waiting)), ("connector", "folder", "", planned(waiting))]
    assert "a wrong price" in waiting("stops").out
    assert (unnamed := waiting("release")).code == 2 and "several stops stand: name one of" in unnamed.err
    assert waiting("release", "all").out == "Everything is released. 0 touches may leave. Next: relance send\n"
    assert waiting("release").out.startswith(f"Connector folder is released. {planned(waiting)} touches may leave.")
    assert waiting("stops").out == "Nothing is stopped.\n"
    assert (again := waiting("release")).code == 2 and again.err == "relance: nothing is stopped.\n"


def test_it_is_seen_where_one_looks(waiting):
    """status shows a stopped chain, a pass of it waits and ends with 3, a send says what keeps it, explain names nobody."""
    waiting("stop", "chain", "loyalty_six_contacts", "--why", "a wrong price")
    one = waiting("pass", "loyalty_six_contacts", "--plain")

    assert one.code == 3 and "chain loyalty_six_contacts was stopped at 2026-01-05 10:00 by" in one.out
    assert "a wrong price" in waiting("status").out
    sent = waiting("send")
    assert sent.code == 0 and "Chain loyalty_six_contacts was stopped at" in sent.out


@pytest.mark.parametrize(("words", "said"), [
    (("stop", "wave", "99"), "there is no wave '99'; accepted: 1."),
    (("stop", "chain", "lojalty"), "there is no chain 'lojalty'; accepted: loyalty_six_contacts"),
    (("stop", "everything"), "'everything' cannot be stopped; accepted: all, chain, wave, step, connector."),
    (("release", "wave", "1"), "nothing is stopped."), (("withdraw", "99"), "there is no wave '99'; accepted: 1.")])
def test_mistakes(waiting, words, said):
    """A name that is not there is answered with those that are, and ends with 2; nothing is stopped."""
    answer = waiting(*words)

    assert answer.code == 2 and said in answer.err
    assert waiting("stops", "--json").json["stops"] == []


def test_a_broken_connector_does_not_keep_from_stopping(waiting, monkeypatch):
    """Who stops makes no connector: one whose settings are wrong stands in nobody's way."""
    def broken(*_given):
        raise AssertionError("a connector was made")

    monkeypatch.setattr(wiring, "connect", broken)
    monkeypatch.setattr(wiring, "_OPEN", {})

    assert waiting("stop", "all").code == 0


def test_withdraw(waiting):
    """Withdrawn last: contacts leave, touches are settled, explain says why, the journal who, and nothing waits."""
    many, said = planned(waiting), waiting("withdraw", "1", "--why", "a wrong price")
    again = waiting("withdraw", "1", "--json").json
    client = waiting("sql", "select c.client_id from touches as t join contacts as c using (contact_id) limit 1",
                     "--json").json["rows"][0]["client_id"]
    told = waiting("explain", client).out
    acts = [e.act for e in journal.entries(wiring.wired().warehouse.ledger) if e.act == "withdraw"]

    assert said.code == 0 and said.out.startswith("Wave 1 is withdrawn. ")
    assert f"{many} cancelled" in said.out and "FROM received(1, 'STEP')" in said.out
    assert (again["new"], again["contacts"], again["outcomes"], again["not_left"]) == (False, 0, {"cancelled": many}, 0)
    assert "its wave was withdrawn" in told and "the exit withdrawn" in told
    assert acts == ["withdraw"] and waiting("send", "--json").json["outbox"] == {}
    assert waiting("reconcile").code == 0
