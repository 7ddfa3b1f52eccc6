"""Who started a run: a person by a command's login or at the form, or no person at all."""

from datetime import datetime
from types import SimpleNamespace

import pytest

from tasks import recording
from tests.passing.test_cancelled_run import planning
from tests.passing.conftest import shop as shop
from warehouse import journal
from warehouse.journal import LOGIN, TYPED, Who

FORM = Who("somebody at the form", TYPED)


def begun(monkeypatch, **run) -> None:
    """The present flow run, as the workflow engine tells it."""
    told = {"tags": [], "deployment_id": "d", "auto_scheduled": False, "created_by": None, **run}
    context = SimpleNamespace(flow_run=SimpleNamespace(**told))
    monkeypatch.setattr(recording, "FlowRunContext", SimpleNamespace(get=lambda: context))


@pytest.mark.parametrize(("run", "who"), [
    ({"tags": ["by:anne"]}, Who("anne", LOGIN)), ({"tags": ["by:anne"], "deployment_id": None}, Who("anne", LOGIN)),
    ({}, FORM), ({"tags": ["relance"]}, FORM), ({"tags": ["by:wake-up"]}, None), ({"auto_scheduled": True}, None),
    ({"created_by": SimpleNamespace(type="AUTOMATION", display_value="wake")}, None), ({"deployment_id": None}, None),
    ({"created_by": SimpleNamespace(type="USER", display_value="Bruno")}, Who("Bruno", TYPED)),
])
def test_who_started_a_flow_run(monkeypatch, run, who):
    """A command's tag is a login; a deployment's run that nothing planned came from the form; all else is no person's act."""
    begun(monkeypatch, **run)

    assert recording.who(recording.starter()) == who


def test_who_runs_without_prefect(monkeypatch):
    """Outside a flow run the command says who it is; where nobody says, nobody did."""
    assert (recording.who("anne"), recording.who(None)) == (Who("anne", LOGIN), None)


def test_a_schedule_leaves_no_entry(shop, monkeypatch):
    """A pass of a schedule is in the ledger and not in the journal; one from the form is in both."""
    here = planning(shop)
    monkeypatch.setattr("flows.recipe.waking.after_listing", lambda *_, **__: None)
    for number, person in enumerate((None, FORM, None)):
        monkeypatch.setattr("tasks.opening.who", lambda by, person=person: person)
        here.passes("heard", datetime(2026, 3, 2, 9 + number))

    (entry,) = journal.entries(here.warehouse.ledger)
    assert (entry.who, entry.known, entry.act, entry.what) == (
        "somebody at the form", "typed", "run", {"kind": "pass", "of": "heard", "run": "run-2"})
