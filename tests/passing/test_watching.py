"""Watching: what of the ledger and the parts gives an alarm, and who was told when."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from marketing.alarms import Alarm, alarms
from marketing.calendar import days
from reports.standing import standing
from tests.passing.shop import START, one_send
from warehouse import outbox, runs, stops, watching
from warehouse.inbox import Inbox

WALL = datetime(2026, 3, 2, 12)
ACCEPTED = {"hello": {"orders": days(3)}}


@pytest.fixture
def quiet(shop):
    """A shop of three contacts, whose message was planned and not sent."""
    made = shop(one_send(), policy='country = "FR"\n[alarms]\ncomplaint_touches = 3\n')
    (made.warehouse.home / "hello" / "messages").mkdir(parents=True)
    (made.warehouse.home / "hello" / "messages" / "hi.fr.txt.j2").write_text("---\nsubject: hi\n---\nhi\n")
    made.wired = replace(made.wired, send_for=0.0)
    made.contacts(*({"contact_id": number} for number in (1, 2, 3)))
    made.passes("hello")
    return made


def look(shop, wall: datetime = WALL, accepted=None) -> watching.Standing:
    return watching.look(shop.warehouse, shop.connectors, accepted or {"hello": {}}, wall)


def told(shop, wall: datetime = WALL, accepted=None) -> list[tuple]:
    found = alarms(watching.facts(look(shop, wall, accepted)), shop.warehouse.policy.alarms)
    return [(alarm.kind, alarm.what, alarm.value) for alarm in found]


def run(shop, name: str, state: str, started: datetime, kind: str = "pass") -> None:
    chain = 1 if kind == "pass" else None
    runs.start(shop.warehouse.ledger, name, name=name, kind=kind, chain=chain, params={}, as_of=START, wall=started, starter=None)
    runs.finish(shop.warehouse.ledger, name, state=state, summary={"error": "c1@example.org"}, wall=started)


def test_all_is_well(quiet):
    """A house whose touches were just planned has no alarm."""
    assert told(quiet) == []
    assert look(quiet).connectors[1]["planned"] == 3


def test_stuck(quiet):
    """Touches that could have left hours ago are stuck, unless their connector is at work or their chain is paused."""
    quiet.warehouse.clock.advance(START + timedelta(hours=3))
    assert told(quiet) == [("stuck_touches", "mail", "3 touches")]

    ledger, now = quiet.warehouse.ledger, quiet.warehouse.clock.now()
    held = outbox.claim(ledger, "mail", owner="me", now=now, wall=WALL, most=1)
    assert told(quiet) == [] and told(quiet, WALL + timedelta(hours=3)) == [("stuck_touches", "mail", "3 touches")]
    outbox.settle(ledger, held[0], {"outcome": "accepted", "units": 1, "settled_at": now.isoformat()}, now=now, sent_by="x")
    assert told(quiet) == []


def test_stopped(quiet):
    """A connector that was stopped is one alarm, also when touches wait for it."""
    stops.stop(quiet.warehouse.ledger, "mail", "credit: 402 nothing left for c1@example.org")
    quiet.warehouse.clock.advance(START + timedelta(hours=3))

    assert told(quiet) == [("stopped_connector", "mail", "stopped")]


def test_runs(quiet):
    """What failed or crashed since the last run that ended well is an alarm; the next good run ends it."""
    now = quiet.wired.wall()
    run(quiet, "a", "failed", now)
    run(quiet, "b", "failed", now + timedelta(seconds=1), kind="send")
    run(quiet, "c", "failed", now + timedelta(seconds=1), kind="load")
    run(quiet, "d", "crashed", now + timedelta(seconds=2))

    assert told(quiet, now + timedelta(minutes=1)) == [
        ("crashed_run", "hello", "1 crashed"), ("failed_pass", "hello", "1 failed"), ("failed_run", "send", "1 failed")]
    run(quiet, "e", "completed", now + timedelta(minutes=2))
    assert told(quiet, now + timedelta(minutes=3)) == [("failed_run", "send", "1 failed")]


def test_stale(quiet):
    """A source that a chain needs and that was never loaded is told; the chain's own delay then is not."""
    assert told(quiet, accepted=ACCEPTED) == [("stale_source", "orders", "never loaded")]


def test_overdue(quiet):
    """Who has been due for hours is told, save in a chain that is paused."""
    from warehouse.pausing import pause

    seen = look(quiet)
    seen.chains[0]["overdue"] = timedelta(hours=4)
    assert [alarm.kind for alarm in alarms(watching.facts(seen), quiet.warehouse.policy.alarms)] == ["overdue_chain"]
    pause(quiet.warehouse.ledger, "hello", now=START, by="me")
    quiet.warehouse.clock.advance(START + timedelta(hours=9))
    assert told(quiet) == []


def test_complaints_and_unknown(quiet):
    """Complaints are held against the touches of their connector; touches of unknown outcome are counted."""
    from tasks.send import send

    send.fn(quiet.wired, "mail", "sending")
    quiet.passes("hello", START + timedelta(hours=1))
    quiet.answer("complained", 2, "hi")
    quiet.passes("hello", START + timedelta(hours=2))

    assert told(quiet) == [("complaint_rate", "mail", "33.33 % of 3")]
    assert look(quiet).complaints == [{"connector": "mail", "complaints": 1, "touches": 3}]


def test_told_once(quiet):
    """What was told is kept, and forgotten once the alarm is over, so that it is told again when it comes back."""
    ledger = quiet.warehouse.ledger
    one, two = (Alarm("failed_run", what, "1 failed", "0", "") for what in ("send", "collect"))
    watching.remember(ledger, [one, two], [one, two], WALL)
    watching.remember(ledger, [two], [], WALL + timedelta(hours=1))

    assert watching.told(ledger) == {two.key: WALL}


def test_page(quiet):
    """The page says what stands where in tables, and repeats no word of a provider or an error."""
    ledger, wall = quiet.warehouse.ledger, quiet.wired.wall()
    stops.stop(ledger, "mail", "credit: 402 nothing left for c1@example.org")
    run(quiet, "a", "failed", wall)
    watching.remember_next(ledger, {"hello": wall + timedelta(hours=1)})
    box = Inbox(quiet.warehouse)
    box.put("mail", "1", b"{}", START)
    box.close()
    seen, later = look(quiet, wall, ACCEPTED), look(quiet, wall + timedelta(hours=2))
    page = standing("Test", "Europe/Paris", seen, alarms(watching.facts(seen), quiet.warehouse.policy.alarms), ["odd-one"])

    for line in ("| failed pass | hello | 1 failed | 0 |", "| hello | 0 |", "| mail | 3 | 0 | 0 | 0 | **stopped** (credit) |",
                 "| orders | – | – | – | **never loaded**: hello waits |", "1 responses wait in the inbox", "ledger: odd-one."):
        assert line in page, line
    assert [one.chains[0]["next_pass"] for one in (seen, later)] == [wall + timedelta(hours=1), None]  # what was planned for is over, and nobody has looked since
    assert "example.org" not in page and "402" not in page
