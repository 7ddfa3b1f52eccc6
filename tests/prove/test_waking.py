"""Waking by a real Prefect server: runs come at their minute, once and one at a time, and at once for an answer."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import pytest

from connectors.sink import read
from marketing.house import House
from marketing.policy import Policy
from marketing.responses import REPLIED, Response
from tests.houses import HOUSE
from tests.prove import people
from warehouse import Warehouse
from warehouse.inbox import Inbox, to_json

ROOT = Path(__file__).resolve().parents[2]
CHAIN, POOL = "minutely", "waking"
MEMORY = """
[channels]
email = "memory"
[connectors.memory]
kind = "memory"
path = "sink.tsv"
record = false
"""


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class Installation:
    """A home with 200 contacts, a Prefect server, the chain's deployment and automation, and who makes its runs."""

    def __init__(self, home: Path, by: str):
        from flows.cli.children import Child
        from flows.cli.prefect_server import PrefectServer

        self.home, self.answered = home, {}
        (home / "house.toml").write_text(HOUSE + MEMORY)
        (home / "policy.toml").write_text('country = "FR"\n')
        warehouse = self.open()
        people.load(warehouse, 200, False, now())
        warehouse.close()
        self.server = PrefectServer(home / "prefect")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | {
            "RELANCE_HOME": str(home), "RELANCE_SECRET_KEY": "proof", "PYTHONPATH": str(ROOT), "PREFECT_API_URL": self.server.api,
            "PREFECT_HOME": str(home / "worker"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
        self.runner = None
        try:
            self.server.wait()
            self.deployment = self._deploy(pool=POOL if by == "worker" else None)
            command = {"worker": ["-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"],
                       "served": ["-m", "tests.prove.waker", "serve", CHAIN]}[by]
            self.runner = Child(by, [sys.executable, *command], self.environment, home / f"{by}.log")
        except BaseException:
            self.stop()
            raise

    def open(self) -> Warehouse:
        house, policy = House.read(self.home / "house.toml"), Policy.read(self.home / "policy.toml")
        return Warehouse.open(self.home, house, policy, threads=1, key=b"proof")

    def client(self):
        from prefect.client.orchestration import SyncPrefectClient

        return SyncPrefectClient(self.server.api)

    def _deploy(self, pool: str | None):
        from prefect.client.schemas.actions import WorkPoolCreate
        from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
        from prefect.settings import PREFECT_API_URL, temporary_settings
        from prefect.utilities.callables import parameter_schema
        from prefect.workers.process import ProcessWorker

        from tasks.automations import register_wakings
        from tests.prove import waker

        flow = getattr(waker, CHAIN)
        with self.client() as client:
            if pool:
                client.create_work_pool(WorkPoolCreate(
                    name=pool, type="process", base_job_template=ProcessWorker.get_default_base_job_template()))
            made = client.create_deployment(
                client.create_flow(flow), CHAIN, entrypoint=f"tests.prove.waker.{CHAIN}", work_pool_name=pool,
                concurrency_limit=1, concurrency_options=ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
                parameter_openapi_schema=parameter_schema(flow).model_dump(exclude_unset=True))
        with temporary_settings({PREFECT_API_URL: self.server.api}):
            assert (register_wakings({CHAIN: made}), register_wakings({CHAIN: made})) == ([CHAIN], [])
        return made

    def start(self) -> None:
        """The run by which the regular schedule would begin."""
        with self.client() as client:
            client.create_flow_run_from_deployment(self.deployment)

    def runs(self) -> list:
        """The chain's flow runs that began, in the order in which they did."""
        from prefect.client.schemas.filters import FlowRunFilter

        with self.client() as client:
            found = client.read_flow_runs(flow_run_filter=FlowRunFilter(deployment_id={"any_": [self.deployment]}), limit=200)
        return sorted((run for run in found if run.start_time), key=lambda run: run.start_time)

    def answer(self) -> None:
        """A reply of somebody who waits for one, taken in by the flow `collect` in a process of its own."""
        while not (waiting := {str(row["contact_id"]) for row in self.rows(WAITING.format(now() + timedelta(seconds=30)))}):
            time.sleep(1)
        while not 8 <= now().second < 45:  # about the full minute the pass that begins then hears the answer before `collect`
            time.sleep(1)
        key, contact = next(row[:2] for row in reversed(read(self.home / "sink.tsv")) if row[1] in waiting)
        warehouse, came = self.open(), now()
        self.answered[int(contact)] = came
        box = Inbox(warehouse)
        box.put("door", f"reply {key}", to_json(Response(f"reply {key}", REPLIED, came, came, key=key)), came)
        box.close()
        warehouse.close()
        subprocess.run([sys.executable, "-m", "tests.prove.waker", "collect"], env=self.environment, cwd=ROOT, check=True,
                       capture_output=True, timeout=120)

    def rows(self, query: str) -> list[dict]:
        warehouse = self.open()
        with warehouse.snapshot() as snapshot:
            found = snapshot.sql(query).to_pylist()
        warehouse.close()
        return found

    def stop(self) -> None:
        if self.runner:
            self.runner.stop(patience=60)
        self.server.stop()


#: One row per contact whom the chain still hears for a while.
WAITING = """
SELECT contact_id FROM moves WHERE to_step = 'answer' AND due_at > TIMESTAMP '{}'
AND seq = (SELECT max(last.seq) FROM moves AS last WHERE last.enrolment_id = moves.enrolment_id)
"""
ANSWERED = "SELECT contact_id, moved_at FROM moves WHERE reason = 'replied'"
#: One row per stay at a step that ended: how long after its due moment the contact was moved on.
LATE = """
SELECT epoch(m.moved_at) - epoch(was.due_at) AS late
FROM moves AS m JOIN moves AS was ON was.enrolment_id = m.enrolment_id AND was.seq = m.seq - 1
WHERE was.due_at IS NOT NULL AND m.reason NOT IN ('replied', 'goal')
"""


def live(installation: Installation, seconds: float, answers_at: list[float]) -> None:
    """Let it run for a while from its first run on, with an answer at some of its seconds."""
    installation.start()
    began = time.monotonic()
    for after in answers_at:
        time.sleep(max(0.0, began + after - time.monotonic()))
        installation.answer()
    time.sleep(max(0.0, began + seconds - time.monotonic()))


def hold(installation: Installation) -> dict[str, float]:
    """The laws of waking over the runs that were made; returns the figures to report."""
    runs = installation.runs()
    ended = [run for run in runs if run.end_time]
    wakes = [run for run in runs if "by:wake-up" in run.tags]
    delays = [(run.start_time - run.expected_start_time).total_seconds() for run in wakes]
    lengths = [(run.end_time - run.start_time).total_seconds() for run in ended]
    late = [row["late"] for row in installation.rows(LATE)]
    woken = [run for run in runs if run.created_by and run.created_by.type == "AUTOMATION"]
    events = [(run.start_time - run.expected_start_time).total_seconds() for run in woken]
    moved = {row["contact_id"]: row["moved_at"] for row in installation.rows(ANSWERED)}
    answered = [(moved[contact] - came).total_seconds() for contact, came in installation.answered.items() if contact in moved]

    assert [run.state.name for run in ended] == ["Completed"] * len(ended)
    assert all(before.end_time <= then.start_time for before, then in zip(runs, runs[1:])), "two passes at once"
    assert len({run.expected_start_time for run in wakes}) == len(wakes), "two runs for one moment"
    assert {(run.expected_start_time.second, run.expected_start_time.microsecond) for run in wakes} == {(0, 0)}
    assert 1 <= len(woken) <= len(answered)  # an answer that came during a pass was heard by that pass itself
    assert len(answered) == len(moved) == len(installation.answered), "an answer moved nobody"
    assert late and max(late) <= 60 + max(delays) + max(lengths) + 1
    return {"runs": len(runs), "wake-ups": len(wakes), "start delay, median s": round(median(delays), 1),
            "start delay, most s": round(max(delays), 1), "a pass, median s": round(median(lengths), 1),
            "latest after due, s": round(max(late), 1),
            "event to run, median s": round(median(events), 1), "event to run, most s": round(max(events), 1),
            "answer to move, most s": round(max(answered), 1)}


@pytest.fixture
def installed(tmp_path, request):
    made = Installation(tmp_path, request.param)
    yield made
    made.stop()


@pytest.mark.prove
@pytest.mark.timeout(300)
@pytest.mark.parametrize("installed", ["served"], indirect=True)
def test_a_minute(installed, note):
    """A served chain makes each run of its minute, and the run that an answer asks for, within seconds."""
    live(installed, 68, answers_at=[15])
    figures = hold(installed)
    note("waking by a Prefect server", "served, 1 minute", figures)

    assert figures["wake-ups"] >= 1
    assert figures["event to run, most s"] <= 15


@pytest.mark.prove_long
@pytest.mark.parametrize("installed", ["worker", "served"], indirect=True)
def test_ten_minutes(installed, note, request):
    """For ten minutes nobody is passed later than a minute, a start and a pass after due; every answer wakes the chain."""
    live(installed, 600, answers_at=[150, 155, 300, 450])
    figures = hold(installed)
    note("waking by a Prefect server", f"{request.node.callspec.id}, 10 minutes", figures)

    assert figures["wake-ups"] >= 6
