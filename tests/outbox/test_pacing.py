"""A connector's pace holds over all senders."""

from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outbox.pacing import reserve
from warehouse.ledger import Ledger

WALL = datetime(2026, 3, 2, 9)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(asked=st.lists(st.tuples(st.integers(1, 500), st.floats(0, 30)), min_size=1, max_size=12), rate=st.floats(0.5, 100))
def test_never_faster_than_the_rate(tmp_path_factory, asked, rate):
    """However many senders ask, and whenever: touches start no sooner than the rate lets the ones before leave."""
    ledger = Ledger(f"sqlite:///{tmp_path_factory.mktemp('pace') / 'ledger.sqlite'}")
    wall, free_at = WALL, WALL
    for touches, later in asked:
        wall += timedelta(seconds=later)
        start = reserve(ledger, "smtp", touches, rate, wall)

        assert start == max(wall, free_at)
        free_at = start + timedelta(seconds=touches / rate)
    ledger.close()


def test_connectors_do_not_wait_for_each_other(tmp_path):
    """The pace of one connector is no concern of another."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")

    assert reserve(ledger, "smtp", 1_000, 1.0, WALL) == WALL
    assert reserve(ledger, "smtp", 1, 1.0, WALL) == WALL + timedelta(seconds=1_000)
    assert reserve(ledger, "sms", 1, 1.0, WALL) == WALL
    ledger.close()
