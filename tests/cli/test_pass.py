"""`relance pass`."""

import pytest


def test_plain(loaded):
    """A pass says in a sentence who entered and what was planned, refused and sent, and when anybody is next due."""
    said = loaded("pass", "reactivate_lapsed", "--plain", "--param", "months_silent=12")

    assert (said.code, said.err) == (0, "")
    assert said.out == (
        "TEST: nothing reaches real addresses\n"
        "20 of 20 entered (2 of them held out). 17 touches planned, refused: 2 on the suppression list, "
        "1 consent was refused or withdrawn. Sent: 17 accepted.\nNext due: 2026-01-12 10:00 (Europe/Paris).\n")


def test_empty_pass_explains_itself(passed):
    """A pass that finds nothing to do says why."""
    record = passed("pass", "reactivate_lapsed", "--plain", "--json", "--param", "months_silent=13").json

    assert record["sentence"] == "0 of 20 entered: 19 are in the chain now, 1 entered it too recently. Nothing to send."
    assert (record["audience"], record["entered"], record["inside"]) == (20, 0, 19)


@pytest.mark.parametrize(("words", "told"), [
    (["reactivate"], "there is no chain 'reactivate'; chains: loyalty_six_contacts, "),
    (["reactivate_lapsed", "--param", "silent=3"], "accepted: NAME=VALUE with one of months_silent, months_forgotten"),
    (["reactivate_lapsed", "--param", "months_silent"], "accepted: NAME=VALUE"),
    (["reactivate_lapsed", "--param", "months_silent=99"], "months_silent = '99': Input should be less than or equal to 60"),
    (["reactivate_lapsed", "--as-of", "2026-01-01"], "a simulated clock never goes back"),
    (["reactivate_lapsed", "--as-of", "tomorrow"], "accepted: 2026-11-24 or 2026-11-24T14:30 (Europe/Paris)"),
])
def test_wrong_words(loaded, words, told):
    """A wrong chain, parameter or moment is one line that says what is accepted, and 2."""
    said = loaded("pass", *words, "--plain")

    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert told in said.err


@pytest.mark.xdist_group("prefect")
def test_as_a_flow(loaded, prefect_server):
    """By default a pass is a flow run of the chain, under whose id its rows and its artifact stand."""
    from prefect.artifacts import Artifact

    record = loaded("pass", "loyalty_six_contacts", "--json").json
    artifact = Artifact.get("loyalty-six-contacts").data
    runs = loaded("sql", f"select kind, chain, state, starter is not null as known from runs where run = '{record['run']}'",
                  "--json").json["rows"]

    assert (record["audience"], record["entered"]) == (20, 20)
    assert f"`{record['run']}`" in artifact
    assert "](data:image/svg+xml;base64," in artifact and "```mermaid\nflowchart" in artifact
    assert runs == [{"kind": "pass", "chain": "loyalty_six_contacts", "state": "completed", "known": True}]


def test_stale_sources(loaded):
    """On sources older than the chain accepts nothing moves: the pass says which, how old, what to do, and ends with 3."""
    said = loaded("pass", "reactivate_lapsed", "--plain", "--as-of", "2026-02-01")

    assert said.code == 3
    assert "\nNothing was moved or sent: orders were last loaded 26 days and 23 hours ago, older than the 7 days" in said.out
    assert "relance load orders FILE" in said.out
