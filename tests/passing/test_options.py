"""How far a run may go: rehearsed only, so many contacts, so much money."""

import pytest

from flows.rehearsal import asked_for
from marketing.options import RunOptions
from tests.passing.shop import one_send


@pytest.fixture
def here(shop):
    made = shop(one_send(), slice_bits=3)
    made.contacts(*({"contact_id": n} for n in range(1, 21)))
    return made


def run(here, run="run", **options):
    chain = one_send()
    return asked_for(here.wired, "hello", chain.params(), RunOptions(**options), run=run)


def test_at_most(here):
    """No more enter, over all slices, than was asked, however often the run is tried; the others are counted."""
    summary = run(here, at_most=5)
    run(here, at_most=5)

    assert (summary.entered, summary.left_out, len(here.touches())) == (5, 15, 5)
    assert "15 were left out" in str(summary)


def test_budget(here):
    """An e-mail costs a cent: seven cents are seven contacts."""
    run(here, budget="0.07")

    assert len(here.touches()) == 7


def test_rehearsal(here):
    """It tells what a pass would do, and nothing of it is done: the pass that follows does it."""
    told = run(here, "rehearsed", rehearse=True)

    assert here.rows("SELECT count(*) FROM moves") == [(0,)]
    assert here.rows("SELECT count(*) FROM receipts") == [(0,)]
    assert str(told).startswith("Rehearsed, nothing of it was done: 20 of 20 entered")
    assert not list((here.warehouse.home / "branches").iterdir())
    done = run(here, "done")
    assert (done.entered, done.planned, done.refused) == (told.entered, told.planned, told.refused)
    assert len(here.touches()) == 20


def test_a_rehearsal_is_kept(here):
    """Who rehearsed what, and what came of it, stays in the ledger."""
    run(here, "rehearsed", rehearse=True, note="before the sales")

    (kept,) = here.rows("SELECT kind, state, params FROM ledger_runs WHERE kind = 'rehearsal'")
    assert kept[:2] == ("rehearsal", "completed")
    assert "before the sales" in kept[2]
