"""What became of a batch is kept whole, in the fewest words."""

from datetime import datetime
from decimal import Decimal

import pytest

from connectors.base import ACCEPTED, ErrorKind, Outcome, Receipt
from outbox.settling import Fates, by_instant, settled, together
from warehouse.outbox import RESULT

NOW = datetime(2026, 3, 2, 9)
MADE = settled(ACCEPTED, NOW)


def fates(*groups) -> Fates:
    made = Fates()
    for positions, fate in groups:
        made.add(positions, fate)
    return made


def test_one_fate_for_all_is_kept_once():
    """Where every row has the same receipt, one stands for all, whether or not the connector shared it."""
    apart = settled(Receipt(Outcome.ACCEPTED), NOW)

    assert fates(([3, 4], MADE), ([5], apart)).results(3) == MADE


def test_anything_else_is_a_row_each():
    """A row that differs, is missing or has a reason keeps the batch a table, in the order in which things became of it."""
    refused = {"outcome": "dropped", "units": 0, "settled_at": NOW, "reason": "suppressed", "rule": "suppression",
               "value": "opposed", "limit_value": None}
    billed = settled(Receipt(Outcome.REJECTED, "p7", ErrorKind.CONTENT, units=2, cost=Decimal("0.5")), NOW)
    found = fates(([2], refused), ([1], MADE), ([3], billed))

    rows = found.results(3)
    assert rows.schema == RESULT
    assert rows.select(["position", "outcome", "error", "units", "cost", "provider_id", "reason", "value"]).to_pydict() == {
        "position": [2, 1, 3], "outcome": ["dropped", "accepted", "rejected"], "error": [None, None, "content"],
        "units": [0, 1, 2], "cost": [None, None, Decimal("0.5")], "provider_id": [None, None, "p7"],
        "reason": ["suppressed", None, None], "value": ["opposed", None, None]}
    assert found.counts() == {"dropped": 1, "accepted": 1, "rejected": 1}
    assert fates(([1], MADE)).results(2).num_rows == 1
    assert fates(([1, 2], refused)).results(2).num_rows == 2
    assert fates().results(2).num_rows == 0


def test_each_receipt_answers_its_touch():
    """The n-th receipt is the n-th touch's; neighbours that share one come together; a missing one is an error."""
    other = Receipt(Outcome.UNKNOWN)

    assert list(together([4, 6, 7, 9], [ACCEPTED, ACCEPTED, other, ACCEPTED])) == [
        ([4, 6], ACCEPTED), ([7], other), ([9], ACCEPTED)]
    with pytest.raises(ValueError, match="1 receipts answer 2 touches"):
        list(together([1, 2], [ACCEPTED]))


def test_what_waits_goes_by_its_instant():
    """Rows that may leave at the same moment become one batch."""
    later = datetime(2026, 3, 2, 10)

    assert {at: rows.tolist() for at, rows in by_instant({1: NOW, 2: later, 5: NOW}).items()} == {NOW: [1, 5], later: [2]}
