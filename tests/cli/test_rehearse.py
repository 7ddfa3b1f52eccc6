"""`relance rehearse`, and the same as a run of the chain's flow."""

import json

import pytest

CHAIN = ("reactivate_lapsed", "--param", "months_silent=12")


def test_a_horizon_of_weeks(loaded):
    """It says who would enter, what would be sent, refused, answered and paid, and where everybody stands; then nothing is true."""
    record = loaded("rehearse", *CHAIN, "--until", "2", "--json").json
    sent = {(row["step"], row["channel"]): row["touches"]["value"] for row in record["touches"]}

    assert (record["audience"], record["enrolled"], record["held_out"]) == (20, 20, 2)
    assert (sent["we_miss_you", "email"], sent["win_back_letter", "post"]) == (16, 1) and sent["win_back_sms", "sms"] <= 16
    assert {"step": "we_miss_you", "reason": "consent_withdrawn", "touches": 1} in record["refused"]
    assert record["cost"]["low"] <= record["cost"]["value"] <= record["cost"]["high"]
    assert {row["source"] for row in record["answers"]} == {"assumption"}
    assert record["days"][0] == {"day": "2026-01-05", "channel": "email", "touches": 16}
    assert record["standing"]["holdout"] == 2 and record["reached"] <= "2026-01-19T09:00:00"
    assert record["sentence"].startswith("Rehearsed to ") and "20 of 20 would enter (2 of them held out)" in record["sentence"]
    assert loaded("sql", "select count(*) as touches from touches", "--json").json["rows"] == [{"touches": 0}]


def test_words_for_a_person(loaded):
    """The same in tables, each number with its interval, each share with where it comes from, and the next step."""
    said = loaded("rehearse", *CHAIN, "--until", "2026-01-06", "--rates", "click=0.5", "--at-most", "10")

    assert (said.code, said.err) == (0, "")
    assert "10 of 20 would enter" in said.out and "95 % interval" in said.out and "given" in said.out
    assert said.out.rstrip().endswith("In earnest: relance pass reactivate_lapsed")


def test_a_file_of_rates(loaded, tmp_path):
    """Rates may stand in a file, whose tables are steps or channels."""
    (tmp_path / "rates.toml").write_text("clicked = 0.3\n[we_miss_you]\nclicked = 0.6\n", encoding="utf-8")
    (tmp_path / "rates.json").write_text(json.dumps({"sms": {"clicked": 0.4}}), encoding="utf-8")
    files = [word for name in ("rates.toml", "rates.json") for word in ("--rates", str(tmp_path / name))]
    record = loaded("rehearse", *CHAIN, "--until", "2", *files, "--json").json
    shares = {(row["step"], row["kind"]): row["share"] for row in record["answers"]}

    assert (shares["we_miss_you", "clicked"], shares["win_back_sms", "clicked"]) == (0.6, 0.4)


@pytest.mark.parametrize(("words", "told"), [
    (["reactivate"], "there is no chain 'reactivate'"),
    (["reactivate_lapsed", "--until", "soon"], "accepted: a number of weeks such as 12, or a date to come"),
    (["reactivate_lapsed", "--until", "2025-01-01"], "accepted: a number of weeks"),
    (["reactivate_lapsed", "--rates", "clicked=2"], "accepted: a share from 0 to 1"),
    (["reactivate_lapsed", "--rates", "clocked=0.1"], "accepted: KIND, STEP.KIND or CHANNEL.KIND"),
    (["reactivate_lapsed", "--rates", "nowhere.toml"], "accepted: KIND=SHARE"),
])
def test_wrong_words(loaded, words, told):
    """A wrong chain, horizon or rate is one line that says what is accepted, and 2."""
    said = loaded("rehearse", *words)

    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert told in said.err


@pytest.mark.xdist_group("prefect")
def test_as_a_run_of_the_chain(loaded, prefect_server):
    """With a number of weeks a rehearsed run goes on to that horizon; its page is published, with a bar while it runs."""
    from prefect.artifacts import Artifact

    from flows import by_chain

    told = by_chain.reactivate_lapsed(months_silent=12, rehearse=True, rehearse_weeks=1)
    page = Artifact.get("reactivate-lapsed-rehearsed").data

    assert told.rehearsed and told.enrolled == 20
    assert page.startswith("# reactivate lapsed, rehearsed") and "Nothing of this was done" in page
    assert "## Expected answers" in page and "@example.org" not in page
    assert Artifact.get("reactivate-lapsed-rehearsing").data == 100.0
