"""The journal of human acts: nothing in it is changed, taken out or slipped in without being seen."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from warehouse import journal
from warehouse.acts import journal as rows
from warehouse.ledger import Ledger

AT = datetime(2026, 3, 2, 9)
ANNE = journal.Who("anne")


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield ledger
    ledger.close()


def written(ledger, many: int = 4) -> None:
    for number in range(many):
        journal.note(ledger, ANNE, "stop", {"wave": number}, now=AT + timedelta(minutes=number), why="a wrong price")


def test_it_says_who_did_what(ledger):
    """An entry keeps who, how that is known, when, what and why; in order, by kind, since an instant, the last so many."""
    written(ledger, 2)
    journal.note(ledger, journal.Who("Bruno", journal.TYPED), "approve", {"wave": 3, "contacts": 120}, now=AT + timedelta(hours=1))
    last = journal.entries(ledger, act="approve")

    assert [(e.n, e.who, e.known, e.what) for e in last] == [(3, "Bruno", "typed", {"wave": 3, "contacts": 120})]
    assert [e.n for e in journal.entries(ledger, since=AT + timedelta(minutes=1))] == [2, 3]
    assert [e.n for e in journal.entries(ledger, last=2)] == [2, 3]
    assert (journal.entries(ledger)[0].why, journal.broken(ledger)) == ("a wrong price", "")


@pytest.mark.parametrize("hand, said", [
    (sa.update(rows).where(rows.c.n == 2).values(who="bruno"), "entry 2 (stop at 2026-03-02T09:01:00) is not as it was written"),
    (sa.update(rows).where(rows.c.n == 1).values(why=""), "entry 1 (stop at 2026-03-02T09:00:00) is not as it was written"),
    (sa.delete(rows).where(rows.c.n == 3), "entry 3 is missing"),
    (sa.delete(rows).where(rows.c.n >= 3), "the last 2 entries are missing"),
])
def test_another_hand(ledger, hand, said):
    """What was changed or taken out is found, at the end too."""
    written(ledger)
    with ledger.begin() as tx:
        tx.execute(hand)

    assert journal.broken(ledger) == said


def test_with_the_act_or_not_at_all(ledger):
    """An entry written in the transaction of an act is there if the act is, and its number is used again if not."""
    with pytest.raises(RuntimeError), ledger.begin() as tx:
        journal.write(ledger, tx, ANNE, "stop", {}, now=AT)
        raise RuntimeError
    written(ledger, 1)

    assert ([e.n for e in journal.entries(ledger)], journal.broken(ledger)) == ([1], "")
