"""The flows beside the chains' own: each says in its state what it did, and stands in the ledger under its run's id."""

import pytest

from tests.cli.conftest import CONTACTS, START, answering


@pytest.fixture
def house(tmp_path, monkeypatch):
    """An empty house at 5 January 2026; the flows find it by the environment."""
    answering(tmp_path, monkeypatch)
    from flows import wiring

    wired = wiring.wired()
    wired.warehouse.clock.simulate(START)
    return wired


@pytest.mark.xdist_group("prefect")
def test_in_turn(house, tmp_path, prefect_server):
    """Load, collect, send, maintain and report run as flows, with the defaults of their forms."""
    from flows.collect import collect
    from flows.load import load
    from flows.maintain import maintain
    from flows.report import report
    from flows.send import send

    path = tmp_path / "contacts.csv"
    path.write_text(CONTACTS, encoding="utf-8")
    page = tmp_path / "report.html"
    states = [load(kind="contacts", path=str(path), return_state=True), collect(return_state=True), send(return_state=True),
              maintain(return_state=True), report(return_state=True)]
    with house.warehouse.snapshot() as snapshot:
        kept = snapshot.sql("SELECT kind, state, run FROM runs ORDER BY kind").to_pylist()

    assert [state.is_completed() for state in states] == [True] * 5
    assert "40 rows read: 40 new" in states[0].message
    assert [state.message for state in states[1:4]] == [
        "0 received, 0 new.", "Nothing was ready to be sent.", "0 small parts folded, 0 files deleted."]
    assert page.is_file()
    assert [(row["kind"], row["state"]) for row in kept] == [(kind, "completed") for kind in ("collect", "load", "maintain", "send")]
    assert {row["run"] for row in kept} == {str(state.state_details.flow_run_id) for state in states[:4]}


@pytest.mark.xdist_group("prefect")
def test_failed_load(house, tmp_path, prefect_server):
    """A load that cannot be read fails its flow run and leaves the reason in the ledger."""
    from flows.load import load

    state = load(kind="contacts", path=str(tmp_path / "gone.csv"), return_state=True)
    with house.warehouse.snapshot() as snapshot:
        kept = snapshot.sql("SELECT kind, state, summary FROM runs").to_pylist()

    assert state.is_failed()
    assert [(row["kind"], row["state"], "gone.csv" in row["summary"]) for row in kept] == [("load", "failed", True)]


@pytest.mark.xdist_group("prefect")
def test_stop_and_release(house, prefect_server):
    """STOP and release run as flows: the state says what came of it, the journal keeps the name that was typed as such."""
    from flows.release import release
    from flows.stop import stop
    from warehouse import journal

    stopped = stop(your_name="Bruno", why="a wrong price", return_state=True)
    wrong = stop(scope="wave", name="9", return_state=True)
    released = release(return_state=True)
    acts = [(entry.act, entry.who, entry.known, entry.why) for entry in journal.entries(house.warehouse.ledger)]

    assert stopped.message == "Everything is stopped: 0 messages have left, 0 have not."
    assert wrong.is_failed() and "there is no wave '9'" in wrong.message
    assert released.message == "Everything is released: 0 messages may leave, 0 came too late and never will."
    assert acts[0] == ("stop", "Bruno", "typed", "a wrong price") and [act for act, *_ in acts] == ["stop", "release"]
