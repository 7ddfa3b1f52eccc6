"""Watch: who is dead is closed, who was cancelled withdrawn, what is wrong told, and nobody named anywhere."""

import json
import logging
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import START, answering
from warehouse import processes, runs, schema

NOW = datetime(2026, 3, 2, 12)
#: Words that nothing else has, so that they can be searched for.
# Whole numbers: a few digits alone stand by chance in any file full of keys.
NAMES = ("Zwyntje", "Quaxelbrook", "qz7.invented", "+33698765", *(f"698765{i:03d}" for i in range(30)), "Impasse Wobbelgat")
CONTACTS = "client_id;email;phone;first_name;last_name;language;postcode;city;address_1;touchpoint;created_at\n" + "".join(
    f"QZ{i:02d};qz7.invented{i}@example.org;0698765{i:03d};Zwyntje;Quaxelbrook;fr;57000;Metz;{i} Impasse Wobbelgat;web form;2024-01-01\n"
    for i in range(12))
ORDERS = "client_id;order_id;line_id;ordered_at;amount\n" + "".join(f"QZ{i:02d};O{i};1;2024-06-01;{20 + i},50\n" for i in range(12))

host, number, start, place = processes.ours().rsplit(" ", 3)
ALIVE, DEAD, ELSEWHERE = processes.ours(), f"{host} {number} {start}0 {place}", f"far {number} {start} another-boot"


def row(state: str, process: str = DEAD, started: int = 10, ended: int | None = None) -> dict:
    """A run of the ledger that started, and ended, so many minutes ago."""
    return {"state": state, "process": process, "started_at": NOW - timedelta(minutes=started),
            "ended_at": None if ended is None else NOW - timedelta(minutes=ended)}


@pytest.mark.parametrize("state, minutes, kept, ours, expected", [
    ("RUNNING", 11, row("running", ALIVE), True, None),
    ("RUNNING", 11, row("crashed"), True, "crashed"),
    ("PENDING", 11, row("crashed"), True, "crashed"),
    ("CANCELLING", 1, row("crashed"), True, "cancelled"),
    ("RUNNING", 1, row("crashed"), True, None),  # tried again: its new process has not come to its first line
    ("RUNNING", 6, row("crashed"), True, "crashed"),
    ("PENDING", 6, row("crashed"), True, None),
    ("RUNNING", 11, row("completed", DEAD, ended=1), True, "completed"),
    ("RUNNING", 11, row("failed", ELSEWHERE, ended=1), True, None),  # perhaps about to say so
    ("RUNNING", 11, row("failed", ELSEWHERE, ended=6), True, "failed"),
    ("RUNNING", 11, row("completed", ALIVE, ended=6), True, None),
    ("CANCELLING", 6, row("cancelled", ELSEWHERE, ended=6), True, "cancelled"),
    ("RUNNING", 2, None, True, None), ("RUNNING", 6, None, True, "untold"), ("RUNNING", 6, None, False, None),
    ("PENDING", 6, None, True, None), ("PENDING", 6, None, False, None), ("PENDING", 31, None, True, "crashed"), ("CANCELLING", 6, None, True, "cancelled"),
])
def test_fate(state, minutes, kept, ours, expected):
    """Who is dead is closed; who may be alive, or about to be, is not."""
    from tasks.watch import fate

    assert fate(state, NOW - timedelta(minutes=minutes), kept, NOW, ours) == expected


@pytest.mark.parametrize("seconds, kept, expected", [
    (59, None, None), (60, None, "crashed"), (60, row("crashed"), "crashed"), (60, row("running", ALIVE), None)])
def test_fate_of_who_lost_his_worker(seconds, kept, expected):
    """A run that a worker has fetched, and none is online that may have, is closed as soon as it must have begun."""
    from tasks.watch import fate

    assert fate("PENDING", NOW - timedelta(seconds=seconds), kept, NOW, True, orphaned=True) == expected


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A house with contacts whose names nothing else has; `house(words…)` is the command line."""
    relance = answering(tmp_path, monkeypatch)
    from flows import wiring

    wired = wiring.wired()
    wired.warehouse.clock.simulate(START)
    for kind, text in {"contacts": CONTACTS, "orders": ORDERS}.items():
        (tmp_path / f"{kind}.csv").write_text(text, encoding="utf-8")
        assert relance("load", kind, str(tmp_path / f"{kind}.csv")).code == 0
    relance.wired = wired
    return relance


def database() -> bytes:
    """All that the Prefect server of this test has written."""
    from prefect.settings import get_current_settings

    url = get_current_settings().server.database.connection_url.get_secret_value()
    path = Path(url.partition(":///")[2])
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


def events(client, kind: str) -> list[dict]:
    """The events of a kind that the server has, waited for."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = client._client.post("/events/filter", json={"filter": {"event": {"name": [kind]}}}).json()["events"]
        if found:
            return found
        time.sleep(0.5)
    return []


@pytest.mark.xdist_group("prefect")
def test_nobody_is_named(house, prefect_server, caplog):
    """After a pass, a send, a collection and a watch no log, state, artifact, event or row of Prefect names a contact."""
    from prefect.client.orchestration import get_client

    from flows.by_chain import reactivate_lapsed
    from flows.collect import collect
    from flows.send import send
    from flows.watch import watch
    from warehouse import stops

    stops.stop(house.wired.warehouse.ledger, "folder", "credit: 402 qz7.invented1@example.org")
    lines = []
    keep = logging.Handler()
    keep.emit = lambda record: lines.append(record.getMessage())
    logger = logging.getLogger("prefect.flow_runs")
    logger.addHandler(keep)
    logger.setLevel(logging.INFO)
    try:
        first = reactivate_lapsed(months_silent=12, return_state=True)
        watched = watch(return_state=True)
        stops.release(house.wired.warehouse.ledger, "folder")
        others = [send(return_state=True), collect(return_state=True), watch(return_state=True)]
    finally:
        logger.removeHandler(keep)
        logger.setLevel(logging.NOTSET)
    with get_client(sync_client=True) as client:
        told = events(client, "relance.alarm.stopped_connector")
        page = client._client.post("/artifacts/latest/filter", json={"artifacts": {"key": {"any_": ["status"]}}}).json()
    written = database()

    assert all(state.is_completed() for state in [first, watched, *others])
    assert (watched.message, others[2].message) == ("1 alarms, 1 told now.", "No alarm.")
    said = {one["kind"]: one for one in (json.loads(line) for line in lines if line.startswith("{"))}
    assert set(said) >= {"pass", "send", "collect", "watch"}
    assert (said["pass"]["chain"], said["pass"]["entered"], said["send"]["folder"]) == ("reactivate_lapsed", 12, {"accepted": said["pass"]["planned"]["we_miss_you"]})
    assert told[0]["resource"]["prefect.resource.id"] == "relance.folder" and "402" not in json.dumps(told)
    assert "| stopped connector | folder |" not in page[0]["data"] and "| reactivate lapsed |" in page[0]["data"]
    assert b"reactivate_lapsed" in written and b"stopped_connector" in written
    for name in NAMES:
        assert name.encode() not in written, name
        assert name not in "\n".join([*lines, caplog.text, *(str(state.message) for state in [first, watched, *others])])


@pytest.mark.xdist_group("prefect")
def test_the_place_is_freed(house, prefect_server):
    """A run killed with its worker holds its deployment's only place until the next watch closes it."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.states import Pending, Running

    from flows.watch import watch

    ledger = house.wired.warehouse.ledger
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(
            flow_id=client.create_flow_from_name("reactivate_lapsed"), name="one", tags=["relance"],
            concurrency_limit=1, concurrency_options=ConcurrencyLimitConfig(
                limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE).model_dump(exclude={"limit"}))
        dead, waits = (client.create_flow_run_from_deployment(deployment) for _ in range(2))
        client.set_flow_run_state(dead.id, Pending())
        client.set_flow_run_state(dead.id, Running())
        runs.start(ledger, str(dead.id), name="dead", kind="pass", chain=None, params={}, as_of=START, wall=house.wired.wall(),
                   starter=None)
        with ledger.begin() as tx:
            tx.execute(schema.run.update().where(schema.run.c.id == str(dead.id)).values(process=DEAD))
        before = client.set_flow_run_state(waits.id, Pending())
        state = watch(return_state=True)
        after = client.set_flow_run_state(waits.id, Pending())
        ended = client.read_flow_run(dead.id).state

    assert (before.state.name, after.state.type.value) == ("AwaitingConcurrencySlot", "PENDING")
    assert "1 dead runs closed." in state.message
    assert (ended.type.value, ended.message) == ("CRASHED", "Its process died with its worker; the next run does what is due.")
    assert runs.states(ledger, [str(dead.id)])[str(dead.id)]["state"] == "crashed"


@pytest.mark.xdist_group("prefect")
def test_fetched_by_who_is_gone(house, prefect_server):
    """A run that a worker fetched is closed when that worker is gone, not while one is online that may have fetched it."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.states import Pending

    from tasks.watch import close_dead

    with get_client(sync_client=True) as client:
        def beats(name):
            client._client.post("/work_pools/yard/workers/heartbeat", json={"name": name}).raise_for_status()

        client.create_work_pool(WorkPoolCreate(name="yard", type="process"))
        deployment = client.create_deployment(flow_id=client.create_flow_from_name("reactivate_lapsed"), name="fetched",
                                              tags=["relance"], work_pool_name="yard")
        beats("first")
        fetched = client.create_flow_run_from_deployment(deployment)
        client.set_flow_run_state(fetched.id, Pending(timestamp=datetime.now(UTC)), force=True)
        house.wired.__dict__["wall"] = lambda: datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=90)
        with_it = close_dead(house.wired)[0]
        client._client.delete("/work_pools/yard/workers/first").raise_for_status()
        beats("second")
        without = close_dead(house.wired)[0]

    assert (fetched.name in with_it, without.get(fetched.name)) == (False, "crashed")


@pytest.mark.xdist_group("prefect")
def test_cancelled_with_its_process(house, prefect_server, monkeypatch):
    """What a run has planned, whose process was killed before its hook could run, is withdrawn by the next watch."""
    from prefect.client.orchestration import get_client
    from prefect.states import Cancelled

    from flows.by_chain import reactivate_lapsed
    from flows.watch import watch

    monkeypatch.setenv("RELANCE_SEND_FOR", "0")
    passed = reactivate_lapsed(months_silent=12, return_state=True)
    run = passed.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run, Cancelled(timestamp=datetime.now(UTC)), force=True)
    state = watch(return_state=True)
    with house.wired.warehouse.snapshot() as snapshot:
        planned = snapshot.sql("SELECT count(*) AS many FROM touches").to_pylist()[0]["many"]
    sent = house("send", "--json")

    assert planned and f"{planned} touches of cancelled runs withdrawn." in state.message
    assert "accepted" not in sent.out and house("reconcile").code == 0


def test_the_hook_withdraws(house):
    """Every chain's flow has the hook, by which a run that is cancelled withdraws what it has not sent."""
    from types import SimpleNamespace

    from flows.by_chain import reactivate_lapsed
    from warehouse.outbox import open_batches

    house.wired.__dict__["send_for"] = 0.0
    try:
        assert house("pass", "reactivate_lapsed", "--plain", "--param", "months_silent=12").code == 0
    finally:
        house.wired.__dict__["send_for"] = 60.0
    ledger = house.wired.warehouse.ledger
    run = runs.last(ledger, "pass")["id"]
    (hook,) = reactivate_lapsed.on_cancellation_hooks
    assert open_batches(ledger)["planned"] > 0
    for _ in range(2):
        hook(flow=reactivate_lapsed, flow_run=SimpleNamespace(id=run), state=None)  # as a worker does

    assert open_batches(ledger) == {} and runs.last(ledger, "pass")["state"] == "cancelled"
