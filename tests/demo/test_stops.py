"""The demo's calendar and its care for the folder it plays in."""

from datetime import date, timedelta

import pytest
from demo.__main__ import NotADemo, fresh
from demo.season import CHAINS, stops


def test_forty_stops():
    """From the first of October to the last of June, a week apart and never more; the two chains take turns."""
    days = stops()

    assert len(days) == 40 and (days[0].day, days[-1].day) == (date(1997, 10, 1), date(1998, 6, 30))
    assert max(later.day - earlier.day for earlier, later in zip(days, days[1:], strict=False)) == timedelta(days=7)
    assert [stop.chain for stop in days] == [*CHAINS] * 20


def test_a_folder_that_is_not_the_demos(tmp_path):
    """What the demo did not make it does not delete."""
    (tmp_path / "house.toml").write_text('environment = "live"\n')
    (tmp_path / "ledger.sqlite").write_text("precious")

    with pytest.raises(NotADemo, match="holds something else than an earlier demo"):
        fresh(tmp_path)
    assert (tmp_path / "ledger.sqlite").read_text() == "precious"


def test_again(tmp_path):
    """An earlier demo is cleared away, and its settings are those of today."""
    fresh(tmp_path / "demo")
    (tmp_path / "demo" / "ledger.sqlite").write_text("of last time")
    fresh(tmp_path / "demo")

    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == ["house.toml", "policy.toml"]
