"""An installation whose server, worker and runs can be killed, each for itself, and started again as a supervisor does."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connectors.sink import read
from flows import recipe, wiring
from flows.cli.children import Child
from flows.cli.prefect_server import PrefectServer, free_port, prefect_environment
from flows.deployments import POOL
from flows.load import load_file
from tests.houses import HOUSE
from tests.patient import answered
from warehouse.schema import batch

__all__ = ["CHAIN", "ENDED", "LEASE", "MID_BATCH", "Supervised", "until"]

#: A chain as it is shipped: one letter to everybody who has asked for it, a tenth of each wave held out.
CHAIN = "newsletter_monthly"
#: Seconds for which a sender may be silent, and between two runs of a schedule: minutes in a house, seconds here.
LEASE, EVERY = 3, 15
#: A schedule's next minute is planned, again and again: of the hour that Prefect usually plans there would be hundreds of runs.
PLANNED = {"PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "PT60S", "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "20"}
#: Seconds that a loaded machine may take for whatever is waited for.
PATIENCE = 120
ENDED = ("COMPLETED", "CRASHED", "FAILED", "CANCELLED")
RELANCE = [sys.executable, "-c", "from flows.cli.main import app; app()"]
MEMORY = """
[channels]
email = "memory"
sms = "memory"
phone = "memory"
post = "memory"
[connectors.memory]
kind = "memory"
path = "sink.tsv"
record = false
max_batch = 100
slow = 0.05
"""
#: Not a named place, but between two calls of the provider in the middle of a batch: so many of its messages are made.
MID_BATCH = 300


def until(true: Callable[[], Any], what: str, patience: float = PATIENCE, every: float = 0.2) -> Any:
    """What `true` says once it says something. Raises TimeoutError."""
    end = time.monotonic() + patience
    while not (said := true()):
        if time.monotonic() > end:
            raise TimeoutError(f"after {patience} seconds still not: {what}")
        time.sleep(every)
    return said


class Supervised:
    """A house by the real clock, a Prefect server with everything deployed, a worker; nothing runs unless it is told to."""

    def __init__(self, home: Path):
        self.home, self.port, self.starts = home, free_port(), {"server": 0, "worker": 0}
        home.mkdir()
        (home / "house.toml").write_text(HOUSE + MEMORY)
        (home / "policy.toml").write_text('country = "FR"\n')
        ours = {"RELANCE_HOME": str(home), "RELANCE_SECRET_KEY": "proof", "RELANCE_LEASE": str(LEASE), "RELANCE_SEND_FOR": "0",
                "RELANCE_THREADS": "1", "RELANCE_MEMORY": "200MB"}
        self.wired = wiring.wired(ours)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | ours
        self.environment |= prefect_environment(home / "prefect") | {
            "PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api", "PREFECT_WORKER_QUERY_SECONDS": "2", "COLUMNS": "300"}
        self.server = self.worker = None
        self.asked = 0

    # What a supervisor does --------------------------------------------------------------------------------

    def start(self) -> None:
        """Start what is not running: the server, on the database of the one before it, and a worker."""
        if self.server is None or self.server.child.ended is not None:
            self.server = PrefectServer(self.home / "prefect", self.port, PLANNED)
            self.starts["server"] += 1
            self.server.wait()
        if self.worker is None or self.worker.ended is not None:
            command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
            self.worker = Child("worker", command, self.environment, self.home / "worker.log")
            self.starts["worker"] += 1

    def kill(self, *victims: str, runs: Mapping[str, int]) -> None:
        """kill -9 of "server" and "worker", and of "engine", the processes of `runs`; who is not killed goes on."""
        if "server" in victims:
            os.killpg(self.server.child.number, signal.SIGKILL)
        if "worker" in victims:
            os.kill(self.worker.number, signal.SIGKILL)
        for number in runs.values():
            os.kill(number, signal.SIGKILL if "engine" in victims else signal.SIGCONT)
        dead = {"server": self.server.child, "worker": self.worker}
        until(lambda: all(dead[name].ended is not None for name in dead if name in victims), "they have died")

    def stop(self) -> None:
        """End everything, what the killed have left behind too."""
        if self.worker:
            self.worker.stop(patience=30)
        if self.server:
            self.server.stop()
        for number in _processes(f"RELANCE_HOME={self.home}"):
            os.kill(number, signal.SIGKILL)
        self.wired.warehouse.close()

    # What people and schedules do --------------------------------------------------------------------------

    def command(self, *words: str) -> dict[str, Any]:
        """What a `relance` command answers."""
        done = subprocess.run([*RELANCE, *words, "--json"], env=self.environment, cwd=self.home, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """What Prefect's API answers; asked again while its database is busy, as Prefect's own client does."""
        code, said = answered(self.environment["PREFECT_API_URL"] + path, method, body, seconds=PATIENCE)
        if code >= 300 and (method, code) != ("DELETE", 404):
            raise RuntimeError(f"{path}: {code} {said}")
        return said

    def deployment(self, name: str) -> dict[str, Any]:
        return self.ask("GET", f"/deployments/name/{name}/{name}")

    def quiet(self, *names: str) -> None:
        """No run of these flows by itself."""
        for name in names:
            self.ask("POST", f"/deployments/{self.deployment(name)['id']}/pause_deployment")

    def schedules_go_on(self, *names: str) -> None:
        """Each of these flows runs every few seconds, by the schedule that it has."""
        for name in names:
            found = self.deployment(name)
            self.ask("PATCH", f"/deployments/{found['id']}/schedules/{found['schedules'][0]['id']}",
                     schedule={"interval": EVERY, "anchor_date": datetime.now(UTC).isoformat()})
            self.ask("POST", f"/deployments/{found['id']}/resume_deployment")

    def held(self, name: str, place: str | int) -> tuple[str, int]:
        """A run of a flow, by its id and its process, which has come to a place; it is started for that.

        At a named place it has stopped. In the middle of a batch it goes on: who is stopped there may hold the ledger.
        """
        job, before = {"env": {"RELANCE_FAILPOINT": "" if place == MID_BATCH else f"{place}:1:stop"}}, len(self.sink())
        run = self.ask("POST", f"/deployments/{self.deployment(name)['id']}/create_flow_run", job_variables=job)["id"]
        mark = f"PREFECT__FLOW_RUN_ID={run}"
        if place == MID_BATCH:
            until(lambda: len(self.sink()) >= before + place, f"{name} hands over", every=0.01)
            return run, next(_processes(mark))
        return run, until(lambda: next(_processes(mark, "T"), None), f"{name} stands at {place}")

    def fetched(self, name: str) -> tuple[str, int]:
        """A run of a flow, by its id and its process, which a worker has fetched and whose process has come to nothing yet."""
        run = self.ask("POST", f"/deployments/{self.deployment(name)['id']}/create_flow_run")["id"]
        process = until(lambda: next(_processes(f"PREFECT__FLOW_RUN_ID={run}"), None), f"{name} is fetched", every=0.01)
        os.kill(process, signal.SIGSTOP)
        return run, process

    def runs(self) -> list[dict[str, Any]]:
        """Every flow run, those that are planned too."""
        return self.ask("POST", "/flow_runs/filter")

    def at_rest(self) -> bool:
        """Whether nothing runs; what was planned while schedules went on is dropped, it would come in the middle of the next."""
        left = [run for run in self.runs() if run["state_type"] not in ENDED]
        for run in left:
            if run["state_type"] == "SCHEDULED":
                self.ask("DELETE", f"/flow_runs/{run['id']}")
        return not left

    # The people --------------------------------------------------------------------------------------------

    def add_people(self, many: int) -> None:
        """Contacts of whom nobody has asked for anything yet."""
        lines = ["client_id;email;first_name;last_name;language;country;created_at", *(
            f"C{i:05d};c{i}@example.org;Anne;Martin;fr;FR;2024-01-01" for i in range(many))]
        self._load("contacts", lines)

    def ask_for_it(self, many: int) -> None:
        """The next contacts ask for the newsletter: the pass after that takes them in."""
        lines = ["client_id;channel;purpose;status;happened_at", *(
            f"C{i:05d};email;commercial;granted;2025-02-01" for i in range(self.asked, self.asked + many))]
        self._load("consents", lines)
        self.asked += many

    def _load(self, kind: str, lines: list[str]) -> None:
        path = self.home / f"{kind}.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        load_file(self.wired, kind, path, confirm=True, run=f"load-{time.monotonic_ns()}")

    def plan(self) -> str:
        """A pass in this process, by its id, which sends nothing: its touches wait in the outbox."""
        run = f"plan-{time.monotonic_ns()}"
        recipe.run_pass(self.wired, CHAIN, run=run)
        return run

    def unsent(self, run: str) -> int:
        """How many batches that a run has planned are not settled."""
        left = sa.select(sa.func.count()).where(batch.c.run == run, batch.c.state.in_(("planned", "sending")))
        with self.wired.warehouse.ledger.read() as tx:
            return tx.execute(left).scalar_one()

    def sink(self) -> list[tuple[str, ...]]:
        return read(self.home / "sink.tsv")

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.wired.warehouse.snapshot() as snapshot:
            return snapshot.sql(query).to_pylist()


def _processes(mark: str, state: str = "") -> Iterator[int]:
    """The processes with a variable in their environment, in a state of proc(5) if one is given."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"\0{mark}\0".encode() not in b"\0" + (process / "environ").read_bytes():
                continue
            if not state or (process / "stat").read_text().rpartition(")")[2].split()[0] == state:
                yield int(process.name)
        except OSError:
            continue
