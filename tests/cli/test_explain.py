"""`relance explain`."""

import pytest


@pytest.fixture(scope="module")
def arms(passed):
    """The client ids of the reactivation's treated and held out contacts."""
    rows = passed("sql", "select client_id, arm from enrolments join contacts using (contact_id) order by 1", "--json").json["rows"]
    return {arm: [row["client_id"] for row in rows if row["arm"] == arm] for arm in ("treated", "holdout")}


def test_sent(passed, arms):
    """A contact that got a message: planned, sent, where it stands, until when."""
    name = next(one for one in arms["treated"] if one not in ("C01", "C03"))
    said = passed("explain", name)

    assert said.code == 0
    for line in ("  2026-01-05 10:00  reactivate_lapsed: entered in wave 1 and is treated",
                 "  2026-01-05 10:00  reactivate_lapsed: we miss you by email: planned (relationship)",
                 "  2026-01-05 10:00  reactivate_lapsed: we miss you by email: sent by folder",
                 "  reactivate_lapsed: inside since 2026-01-05 10:00 (wave 1); at first response since 2026-01-05 10:00, "
                 "waits for clicked or not sent; moves on at 2026-01-12 10:00 if nothing comes",
                 "  loyalty_six_contacts: not in its audience now (asked with days_since_order = 30)",
                 "  may get commercial messages by email: is a customer",
                 "  may not get commercial messages by phone: no consent"):
        assert line in said.out.splitlines()


def test_held_out(passed, arms):
    """A contact of the holdout: that nothing is sent to it, and until when."""
    said = passed("explain", arms["holdout"][0])

    assert "entered in wave 1 and was drawn for the holdout: nothing is sent to it" in said.out
    assert "held out, gets nothing from this chain; due at 2026-02-16 10:00" in said.out


@pytest.mark.parametrize(("name", "reason", "line"), [
    ("C01", "we miss you refused at plan: consent was refused or withdrawn (relationship messages by email); not sent",
     "may not get relationship messages by email: consent refused"),
    ("C03", "win back letter refused at plan: on the suppression list (opposition); not sent",
     "may not get commercial messages by post: suppressed"),
    ("C03", "reactivate_lapsed: from last response to the exit not reached (nothing was sent)",
     "suppressed for commercial and relationship messages since 2025-03-01 00:00: opposition"),
])
def test_refused(passed, arms, name, reason, line):
    """A refusal tells its rule, and what stands behind it."""
    if name in arms["holdout"]:
        pytest.skip("drawn for the holdout")
    said = passed("explain", name)

    assert reason in said.out and line in said.out


def test_may_enter(passed):
    """A contact in an audience that was not asked yet enters with the next pass."""
    assert ("loyalty_six_contacts: in its audience (asked with days_since_order = 30); enters with the next pass that asks it"
            in passed("explain", "C02").out)


def test_by_number(passed):
    """The number that Relance gave names the same contact as the company's own id."""
    mine = passed("explain", "C05", "--json").json

    assert passed("explain", str(mine["contact"]["contact_id"]), "--json").json == mine


def test_json(passed, arms):
    """With --json the rows stand beside the words; instants are UTC."""
    record = passed("explain", arms["holdout"][0], "--json").json

    assert record["as_of"] == "2026-01-05T09:00:00Z"
    assert [(life["chain"], life["held_out"], life["stands_at"]) for life in record["lives"]] == [("reactivate_lapsed", True, "holdout")]
    assert {row["chain"]: row["verdict"] for row in record["verdicts"]} == {
        "loyalty_six_contacts": "not_in_audience", "newsletter_monthly": "not_in_audience",
        "prospect_web_lead": "not_in_audience", "reactivate_lapsed": "inside"}
    assert (record["touches"], record["refusals"]) == ([], [])


def test_nobody(passed):
    """An id that nobody has is told, with what would be accepted."""
    said = passed("explain", "nobody")

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("relance: no contact goes by 'nobody'; give the id of your own files")
