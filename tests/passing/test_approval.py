"""Approval: a large wave waits for a person, is bound to what was approved, and holds up nobody else."""

from datetime import timedelta

import pytest

from tests.cli.conftest import CONTACTS, ORDERS, ROOT, START, answering

PASS = ("pass", "reactivate_lapsed", "--plain", "--json", "--param", "months_silent=12")


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A house in which twenty may enter, and more than ten ask for approval; `house(words…)` is the command line."""
    import shutil

    from flows import wiring
    from flows.wiring import Messages

    relance = answering(tmp_path, monkeypatch)
    policy = (tmp_path / "policy.toml").read_text()
    (tmp_path / "policy.toml").write_text(policy.replace("contacts = 50000", "contacts = 10"))
    shutil.copytree(ROOT / "chains", tmp_path / "chains", ignore=shutil.ignore_patterns("__pycache__"))
    wired = wiring.wired()
    wired.warehouse.clock.simulate(START)
    for kind, text in {"contacts": CONTACTS, "orders": ORDERS}.items():
        (tmp_path / f"{kind}.csv").write_text(text, encoding="utf-8")
        assert relance("load", kind, str(tmp_path / f"{kind}.csv")).code == 0
    wired.__dict__["messages"] = Messages(tmp_path / "chains", wired.warehouse.house.language)
    letter = tmp_path / "chains/reactivate_lapsed/messages/we_miss_you.fr.email.j2"

    def edit(word="silence", other="mutisme"):
        """Somebody writes another word into the first letter."""
        text = letter.read_text(encoding="utf-8")
        letter.write_text(text.replace(word, other), encoding="utf-8")
        assert letter.read_text(encoding="utf-8") != text

    relance.wired, relance.edit = wired, edit
    return relance


def entered(house) -> dict[int, int]:
    """Who has entered, by wave."""
    rows = house("sql", "select wave, count(*) as many from enrolments group by wave order by wave", "--json").json["rows"]
    return {row["wave"]: row["many"] for row in rows}


def left(house) -> int:
    """How many messages have left."""
    return house("sql", "select count(*) as many from receipts where outcome = 'accepted'", "--json").json["rows"][0]["many"]


def later(house, **span) -> None:
    house.wired.warehouse.clock.advance(house.wired.warehouse.clock.now() + timedelta(**span))


def test_it_waits(house):
    """A wave above the threshold is a row with its forecast: nobody enters, nothing leaves, however often the chain is passed."""
    first = house(*PASS).json
    again = house(*PASS).json
    (waiting,) = house("approvals", "--json").json["approvals"]

    assert (first["entered"], first["planned"], again["entered"], left(house), entered(house)) == (0, {}, 0, 0, {})
    assert (waiting["wave"], waiting["contacts"], waiting["state"]) == (1, 20, "awaiting")
    assert "relance approve 1, or relance reject 1" in first["sentence"] and first["awaits"] == again["awaits"]
    assert alarms_of(house) == ["awaiting_approval"]
    assert [one["sentence"] for one in waiting["summary"]["checks"] if one["blocking"]] == []
    assert {(one["step"], one["channel"]) for one in waiting["summary"]["previews"]} >= {("we_miss_you", "email"), ("win_back_letter", "post")}
    assert waiting["summary"]["entered"] == 20 and set(waiting["messages"]) >= {"we_miss_you.email.fr", "win_back_offer.email.en"}
    assert house("reconcile").code == 0


def test_below_the_threshold(house):
    """Whoever lets fewer enter needs nobody's approval."""
    assert house(*PASS, "--at-most", "10").json["entered"] == 10
    assert house("approvals", "--json").json["approvals"] == []


def test_approved(house):
    """An approved wave enters with the next pass, under its own number and parameters, even if that pass has others."""
    house(*PASS)
    said = house("approve", "1", "--why", "read it all")
    done = house("pass", "reactivate_lapsed", "--plain", "--json", "--param", "months_silent=13").json
    kept = house("sql", "select wave, params, run from waves", "--json").json["rows"]

    assert said.code == 0 and "at most 20 contacts" in said.out
    assert entered(house) == {1: 20} and done["entered"] == 20 and left(house) == 18
    assert [(row["wave"], '"months_silent": 12' in row["params"], row["run"] == done["run"]) for row in kept] == [(1, True, True)]
    assert house("reconcile").code == 0


def test_never_more_than_was_approved(house):
    """With a lower volume no more enter, also after the base has grown, and nobody else the same day."""
    house(*PASS)
    assert house("approve", "1", "--at-most", "7").code == 0
    for _ in range(3):
        house(*PASS)

    assert entered(house) == {1: 7}


def test_never_dearer_than_was_approved(house):
    """With a lower cost no more enter than it pays for by the dearest way through the chain."""
    house(*PASS)
    each = house.wired.warehouse.house.costs["email"] * 2 + max(house.wired.warehouse.house.costs[c] for c in ("sms", "post"))
    assert house("approve", "1", "--cost", str(float(each) * 5)).code == 0
    house(*PASS)

    assert 0 < entered(house)[1] <= 5


def test_rejected(house):
    """A rejected wave is entered by nobody; the chain asks again when its time has come, and not before."""
    house(*PASS)
    assert house("reject", "1", "--why", "the offer is wrong").code == 0
    soon = house(*PASS).json
    later(house, days=2)
    next_one = house(*PASS).json

    assert "was rejected by" in soon["sentence"] and "the offer is wrong" in soon["sentence"]
    assert "relance approve 2" in next_one["sentence"] and entered(house) == {}


def test_lapsed(house):
    """Undecided by its hour a wave lapses, and can be approved no more."""
    house(*PASS)
    later(house, hours=49)
    too_late = house("approve", "1")
    again = house(*PASS).json

    assert too_late.code == 2 and "it lapsed at 2026-01-07T09:00:00" in too_late.err
    assert "relance approve 2" in again["sentence"] and entered(house) == {}


def test_approved_and_not_entered_in_time(house):
    """An approval that no pass has used by its hour lapses too."""
    house(*PASS)
    house("approve", "1")
    later(house, hours=49)
    house(*PASS)

    assert entered(house) == {} and house("approvals", "--all", "--json").json["approvals"][0]["state"] == "lapsed"


def test_a_message_changed_before(house):
    """What was approved with another message is void: it is asked for anew, with the message as it now is."""
    house(*PASS)
    house("approve", "1")
    house.edit()
    done = house(*PASS).json

    assert entered(house) == {} and "relance approve 2" in done["sentence"]
    assert [one["state"] for one in house("approvals", "--all", "--json").json["approvals"]] == ["void", "awaiting"]


def test_a_message_changed_while_it_waits(house):
    """Who approves a wave whose message has changed since it was asked for is told so."""
    house(*PASS)
    house.edit()
    said = house("approve", "1")

    assert said.code == 2 and "a message of reactivate_lapsed has changed since it was asked for" in said.err


def test_a_message_changed_after(house):
    """What an approved wave has yet to send waits while its message is another than was approved, until that is approved too."""
    house(*PASS)
    house("approve", "1")
    house.wired.__dict__["send_for"] = 0.0
    try:
        house(*PASS)
    finally:
        house.wired.__dict__["send_for"] = 60.0
    house.edit()
    house("send")
    held, told = left(house), alarms_of(house)
    house("approve", "1", "--why", "the postscript is right")
    later(house, hours=1)
    house("send")

    assert (held, left(house)) == (0, 18)
    assert (told, alarms_of(house)) == (["changed_message"], [])
    assert [e["what"]["again"] for e in acts(house) if e["act"] == "approve"] == [False, True]


def alarms_of(house) -> list[str]:
    """The alarms that stand."""
    from marketing.alarms import alarms
    from warehouse import watching

    warehouse = house.wired.warehouse
    seen = watching.look(warehouse, house.wired.connectors, {"reactivate_lapsed": {}}, house.wired.wall())
    return [alarm.kind for alarm in alarms(watching.facts(seen), warehouse.policy.alarms)]


def acts(house) -> list[dict]:
    from dataclasses import asdict

    from warehouse.journal import broken, entries

    assert broken(house.wired.warehouse.ledger) == ""
    return [asdict(entry) for entry in entries(house.wired.warehouse.ledger) if entry.act != "run"]


def test_a_check_stands_against_it(house):
    """Who approves a wave that a check says must not leave is told what to mend, and may approve it anyway."""
    house.edit("silence", "silence {{ params.discount_percent }} <a href='nowhere'>ici</a>")
    house(*PASS)
    said, anyway = house("approve", "1"), house("approve", "1", "--anyway")

    assert said.code == 2 and "wave 1 cannot be approved as it is" in said.err and "nowhere" in said.err
    assert anyway.code == 0 and house(*PASS).json["entered"] == 20


def test_the_page(house):
    """The page of a wave that waits says who would enter, what stands against it and what would be said, and names nobody."""
    from reports.approval import page
    from warehouse import approving

    house(*PASS)
    text = page(approving.found(house.wired.warehouse.ledger, 1), "Europe/Paris", "EUR", "TEST")

    assert text.startswith("# Wave 1 of reactivate lapsed") and "> **TEST**" in text and "20 contacts" in text
    assert "| we miss you | " in text and "### we miss you, by email" in text and "## What stands against it" in text
    assert "c1@example.org" not in text and "Martin" not in text


def test_the_journal_knows(house):
    """Who decided, when and why is in the journal."""
    house(*PASS)
    house("approve", "1", "--at-most", "7", "--why", "a test")
    house("reject", "1", "--why", "after all not")

    assert [(e["act"], e["known"], e["why"], e["what"].get("contacts")) for e in acts(house)] == [
        ("approve", "login", "a test", 7), ("reject", "login", "after all not", None)]
    assert house(*PASS).json["entered"] == 0


def test_others_go_on(house):
    """While one wave waits, those who are in the chain move on, and other chains take in theirs."""
    assert house(*PASS, "--at-most", "10").json["entered"] == 10
    before = left(house)
    later(house, days=8)
    assert house("load", "orders", str(house.wired.warehouse.home / "orders.csv")).code == 0
    house.wired.warehouse.policy.__dict__["approval"] = house.wired.warehouse.policy.approval.model_copy(update={"contacts": 5})
    done = house(*PASS).json

    assert done["awaits"] and done["entered"] == 0 and done["planned"] and left(house) > before


@pytest.mark.parametrize("words", [("approve", "9"), ("reject", "9")])
def test_no_such_wave(house, words):
    """A wave that nobody asked approval for is named, with those that wait."""
    house(*PASS)
    said = house(*words)

    assert said.code == 2 and "no approval was asked for a wave 9; waves that await one: 1" in said.err
