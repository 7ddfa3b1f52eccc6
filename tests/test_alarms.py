"""Alarms: what is told, from which limit on, and how often."""

from datetime import datetime, timedelta

import pytest

from marketing.alarms import KINDS, Facts, Limits, alarms, untold
from marketing.policy import Policy

NOW = datetime(2026, 3, 2, 9)


def told(**facts) -> list[tuple]:
    return [(alarm.kind, alarm.what, alarm.value, alarm.limit) for alarm in alarms(Facts(**facts), Limits())]


def test_nothing_is_wrong():
    """Without facts there is no alarm."""
    assert told() == []


def test_every_kind():
    """Each kind has an alarm, and says what to do about the very thing."""
    found = alarms(Facts(
        failed_passes={"win_back": 2}, failed_runs={"send": 1}, crashed_runs={"win_back": 1},
        overdue={"win_back": timedelta(hours=5)}, stopped=["mail"], complaints={"mail": (4, 1000)}, unknown={"mail": 7},
        stale={"orders": ("9 days", "3 days")}, stuck={"text": 12},
        awaiting={"7": 60_000}, unbound={"8": 1}, ceilings={"text": (500, 500)}), Limits())

    assert {alarm.kind for alarm in found} == set(KINDS)
    assert {(alarm.kind, alarm.value, alarm.limit) for alarm in found} == {
        ("failed_pass", "2 failed", "0"), ("failed_run", "1 failed", "0"), ("crashed_run", "1 crashed", "0"),
        ("overdue_chain", "5 hours", "3 hours"), ("stopped_connector", "stopped", "not stopped"),
        ("complaint_rate", "0.40 % of 1,000", "0.30 %"), ("unknown_touches", "7 touches", "0"),
        ("stale_source", "9 days", "3 days"), ("stuck_touches", "12 touches", "2 hours"),
        ("awaiting_approval", "60,000 contacts", "undecided"), ("changed_message", "1 steps", "0"),
        ("ceiling_reached", "500 today", "500 a day")}
    assert not [alarm for alarm in found if "{" in alarm.advice]
    assert next(alarm.advice for alarm in found if alarm.kind == "stale_source") == "Load it: relance load orders FILE"


@pytest.mark.parametrize("complaints, touches, limit", [
    (0, 5000, None), (4, 5000, None), (5, 5000, "0.10 %"), (14, 5000, "0.10 %"), (15, 5000, "0.30 %"), (50, 999, None)])
def test_complaints(complaints, touches, limit):
    """A tenth of a percent warns, three tenths are the limit; of few touches no share is taken."""
    assert [found[3] for found in told(complaints={"mail": (complaints, touches)})] == ([limit] if limit else [])


def test_a_stopped_connector_is_told_once():
    """What waits for a connector that was stopped is no second alarm."""
    assert told(stopped=["mail"], stuck={"mail": 5}) == [("stopped_connector", "mail", "stopped", "not stopped")]


def test_reminded():
    """An alarm that stands is told once a day, one that grows past another limit at once."""
    warning, limit = (alarms(Facts(complaints={"mail": (many, 1000)}), Limits()) for many in (1, 3))
    before = {warning[0].key: NOW - timedelta(hours=23)}

    assert untold(warning, before, NOW, Limits().remind) == []
    assert untold(warning, before, NOW + timedelta(hours=1), Limits().remind) == warning
    assert untold(limit, before, NOW, Limits().remind) == limit


def test_limits_are_set_in_the_policy(tmp_path):
    """policy.toml may say other limits; a warning above the limit is refused."""
    (tmp_path / "policy.toml").write_text('country = "FR"\n[alarms]\nunknown_touches = 10\n')

    assert Policy.read(tmp_path / "policy.toml").alarms == Limits(unknown_touches=10)
    with pytest.raises(ValueError, match="a complaint_warning that is not above complaint_limit"):
        Limits(complaint_warning=0.1, complaint_limit=0.01)
