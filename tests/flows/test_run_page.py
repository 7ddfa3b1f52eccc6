"""The page of a run: its name tells chain, wave and moment, and the figures of its wave are found from it as long as it lives."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from tasks import naming
from tests.cli.conftest import CONTACTS, ORDERS, START, answering

pytestmark = pytest.mark.xdist_group("prefect")
TELLING, OPENING = "reactivate lapsed · wave 1 · 2026-01-05 10:00 · test", "reactivate lapsed · 2026-01-05 10:00 · test"


@pytest.fixture
def house(tmp_path, monkeypatch, prefect_server):
    """A house with forty contacts on 5 January 2026; `house.names(run)` are the names of a run, to Prefect and in the ledger."""
    relance = answering(tmp_path, monkeypatch)
    from flows import wiring
    from prefect.client.orchestration import get_client

    wired = wiring.wired()
    wired.warehouse.clock.simulate(START)
    for kind, text in {"contacts": CONTACTS, "orders": ORDERS}.items():
        (tmp_path / f"{kind}.csv").write_text(text, encoding="utf-8")
        assert relance("load", kind, str(tmp_path / f"{kind}.csv")).code == 0

    def names(state):
        run = state.state_details.flow_run_id
        with get_client(sync_client=True) as client, wired.warehouse.snapshot() as snapshot:
            kept = snapshot.sql("SELECT name FROM runs WHERE run = $run", run=str(run)).to_pylist()
            return client.read_flow_run(run).name, kept[0]["name"]

    def to_prefect(state):
        with get_client(sync_client=True) as client:
            return client.read_flow_run(state.state_details.flow_run_id).name

    return SimpleNamespace(wired=wired, names=names, to_prefect=to_prefect, said=relance, clock=wired.warehouse.clock)


@pytest.fixture
def asked(monkeypatch):
    """How often the server was asked to name a run."""
    calls, real = [], naming.get_client
    monkeypatch.setattr(naming, "get_client", lambda **how: calls.append(how) or real(**how))
    return calls


def of(**options):
    from flows.by_chain import reactivate_lapsed

    return reactivate_lapsed.with_options(**options) if options else reactivate_lapsed


def test_it_tells_what_it_was(house, asked):
    """The run of a wave is called by its chain, wave and day, to Prefect, in the ledger and on its page; a run with nothing
    to do by its chain and day, for which the server is asked nothing more."""
    from prefect.artifacts import Artifact

    first = of()(months_silent=12, return_state=True)
    page, calls = Artifact.get("reactivate-lapsed"), len(asked)
    idle = [of()(months_silent=12, return_state=True) for _ in range(2)][-1]

    assert house.names(first) == (TELLING, TELLING) and calls == 1
    assert f"**{TELLING}** (`{first.state_details.flow_run_id}`)" in page.data
    assert house.names(idle) == (OPENING, OPENING)
    assert len(asked) == 1


def test_those_of_the_house(house):
    """The house's own runs, and a run that fails, are called by what runs and since when."""
    from flows.send import send

    sent, told = send(return_state=True), send("no_such_connector", return_state=True)

    assert house.names(sent) == ("send · 2026-01-05 10:00 · test",) * 2
    assert told.is_failed() and house.to_prefect(told) == "send · 2026-01-05 10:00 · test"


def test_a_given_name_stays(house, asked):
    """What somebody called a run it is called for good."""
    state = of(flow_run_name="Before the spring sale")(months_silent=12, return_state=True)

    assert house.names(state) == ("Before the spring sale",) * 2
    assert asked == []


def test_a_rehearsal(house):
    """A rehearsal says that it is one; it has no wave that anybody could look for."""
    state = of()(months_silent=12, rehearse=True, return_state=True)

    assert house.names(state) == ("reactivate lapsed · rehearsed · 2026-01-05 10:00 · test",) * 2


def test_a_name_fails_no_run(house, monkeypatch):
    """Where the server does not take the name the run keeps that which it began with, and completes."""
    def away(**how):
        raise ConnectionError("the server is away")

    monkeypatch.setattr(naming, "get_client", away)
    state = of()(months_silent=12, return_state=True)
    to_prefect, kept = house.names(state)

    assert state.is_completed() and kept == to_prefect == OPENING


def test_a_command_of_its_own(house):
    """A pass that Prefect does not keep has the telling name in the ledger."""
    run = house.said("pass", "reactivate_lapsed", "--plain", "--json", "--param", "months_silent=12").out
    with house.wired.warehouse.snapshot() as snapshot:
        kept = snapshot.sql("SELECT name FROM runs WHERE kind = 'pass'").to_pylist()

    assert kept == [{"name": TELLING}] and TELLING in run


def pages(**of):
    """What was published, the newest first: by a run, or under a key."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return [one["data"] for one in client._client.post("/artifacts/filter", json={
            "artifacts": {name: {"any_": [value]} for name, value in of.items()}, "sort": "CREATED_DESC"}).json()]


def test_the_figures_of_a_wave(house):
    """From the run that started a wave a link leads to the chain's figures of today, where the wave is told as it is by now
    with the way back to that run; and who is due next, when."""
    def run(state):
        return str(state.state_details.flow_run_id)

    first = of()(months_silent=12, return_state=True)
    house.clock.advance(START + timedelta(days=7))
    later = of()(months_silent=12, return_state=True)
    [then], now = pages(flow_run_id=run(first)), pages(key="reactivate-lapsed")

    assert "](../../artifacts/key/reactivate-lapsed)" in then
    assert [f"`{run(later)}`" in now[0], f"`{run(first)}`" in now[1]] == [True, True] and now[1] == then
    told = f"| 1 | [{TELLING}](../../runs/flow-run/{run(first)}) | 20 | 2 |"
    assert f"{told} 20 | 18 |" in then and f"{told} 20 | 36 |" in now[0]
    assert "| first response | 18 | 0 | 2026-01-12 10:00 | 18 | 18 |" in then
    assert house.names(later)[0] == "reactivate lapsed · 2026-01-12 10:00 · test"
