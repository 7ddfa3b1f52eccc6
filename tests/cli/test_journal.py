"""The journal in use: what a person does by a command is written down, with ids and counts, and nobody's name or address."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from flows import wiring
from flows.cli.running import starter
from tests.cli.conftest import CONTACTS
from warehouse import journal


@pytest.fixture(scope="module")
def used(passed, files):
    """A house in which every command that a journal should know of was given once."""
    for words in (("send",), ("collect",), ("maintain",), ("explain", "C05"), ("chains", "pause", "reactivate_lapsed", "--why", "wrong price"),
                  ("chains", "resume", "reactivate_lapsed"), ("chains", "keep", "reactivate_lapsed"),
                  ("send", "--resume"), ("sql", "select email, first_name from contacts where email = 'c7@example.org'"),
                  ("sql", "select count(*) from touches"), ("report",), ("status",), ("reconcile",), ("backup", "--noted")):
        assert passed(*words).code == 0, words
    passed("explain", "c5@example.org")
    passed("load", "suppressions", str(files / "nowhere.csv"))
    return passed


def entries(act: str | None = None) -> list[journal.Entry]:
    return journal.entries(wiring.wired().warehouse.ledger, act=act)


def test_every_human_act(used):
    """Runs, loads, look-ups, exports, pauses: each by whom, once, and no reading that tells nobody's data."""
    told = [(entry.act, entry.what.get("kind"), entry.what.get("of")) for entry in entries()]

    assert told == [
        *(("run", "load", kind) for kind in ("contacts", "orders", "consents", "suppressions")),
        ("suppressions loaded", None, None), ("run", "pass", "reactivate_lapsed"), ("run", "send", None), ("run", "collect", None),
        ("run", "maintain", None), ("look-up", None, None), ("pause", None, None), ("resume", None, None), ("run", "send", None),
        ("export", None, None), ("backup", None, None), ("run", "load", "suppressions")]
    assert {(entry.who, entry.known) for entry in entries()} == {(starter(), "login")}
    assert [entry.what for entry in entries("export")] == [{"rows": 1}]
    assert [entry.what["new"] for entry in entries("suppressions loaded")] == [1]


def test_nobody_stands_in_it(used):
    """No name, address, number or client id of a contact is anywhere in the journal, nor the text of a question."""
    heads, *lines = (line.split(";") for line in CONTACTS.splitlines())
    with wiring.wired().warehouse.ledger.read() as tx:
        whole = " ".join(str(value) for row in tx.execute(sa.text("SELECT * FROM journal")) for value in row).casefold()

    personal = {value.casefold() for line in lines for head, value in zip(heads, line)
                if head in ("client_id", "email", "phone", "first_name", "last_name", "address_1")}
    assert len(personal) > 100 and [value for value in personal if f'"{value}"' in whole or value in whole.split()] == []
    assert "@" not in whole and "select" not in whole and "haute" not in whole


def test_a_look_up_names_the_number_only(used):
    """A look-up holds the contact's number, found or not by the client's own id."""
    (entry,) = entries("look-up")

    assert list(entry.what) == ["contact"] and isinstance(entry.what["contact"], int)


def test_what_it_shows(used):
    """By kind, since a day, the last so many; a wrong day is refused."""
    assert [one["act"] for one in used("journal", "--last", "2", "--json").json["entries"]] == ["backup", "run"]
    assert {one["act"] for one in used("journal", "--act", "run", "--json").json["entries"]} == {"run"}
    assert len(used("journal", "--since", "2026-01-05", "--json").json["entries"]) == len(entries())
    assert used("journal", "--since", "2026-01-06", "--json").json["entries"] == []
    assert used("journal", "--since", "monday").code == 2
    assert "wrong price" in used("journal").out and starter() in used("journal").out


def test_a_changed_policy_is_noticed(used):
    """The first command after policy.toml was changed writes it down."""
    home = wiring.wired().warehouse.home
    path, text = home / "policy.toml", (home / "policy.toml").read_text()
    try:
        path.write_text(text.replace("global_holdout = 0.0", "global_holdout = 0.05"))
        wiring._OPEN.clear()
        used("status")
        used("status")
        assert [entry.who for entry in entries("policy changed")] == [starter()]
    finally:
        path.write_text(text)
        wiring._OPEN.clear()


def test_a_chain_that_changed(used):
    """A new version of a chain is an entry, a first one is not."""
    from dataclasses import replace

    import chains
    from flows.chain_files import queries
    from marketing.graph import compile
    from warehouse.versions import register

    chain, wired = chains.load("reactivate_lapsed"), wiring.wired()
    ledger, now = wired.warehouse.ledger, wired.warehouse.clock.now()
    for sources in ({}, {"more": "SELECT 1"}, {"more": "SELECT 1"}):
        register(ledger, replace(compile(chain)), {}, {**queries(chain), **sources}, now, journal.Who("anne"))

    changed = entries("chain changed")
    assert [(entry.who, entry.what["chain"], entry.what["version"]) for entry in changed] == [
        ("anne", "reactivate_lapsed", number) for number in (2, 3)]


def test_a_run_made_again_is_one_act(used):
    """A run that is tried again was started once."""
    from warehouse import runs

    ledger, wall = wiring.wired().warehouse.ledger, wiring.wired().wall()
    for later in (0, 1):
        runs.start(ledger, "again", name="again", kind="send", chain=None, params={}, as_of=wall,
                   wall=wall + timedelta(minutes=later), who=journal.Who("anne"))

    assert [entry.what["run"] for entry in entries("run") if entry.who == "anne"] == ["again"]


def test_another_hand_is_seen(used):
    """--check ends with 0 while every seal holds, with 1 and the place once an entry was changed."""
    assert used("journal", "--check").code == 0
    with wiring.wired().warehouse.ledger.begin() as tx:
        tx.execute(sa.text("UPDATE journal SET who = 'somebody else' WHERE n = 3"))
    said = used("journal", "--check")

    assert (said.code, "entry 3" in said.out) == (1, True)
    assert used("journal", "--check", "--json").json["sound"] is False
