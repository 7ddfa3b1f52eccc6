"""The deployments on a real Prefect server: what a marketer sees there, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

import chains
from flows.cli.prefect_server import PrefectServer, prefect_environment
from flows.deployments import POOL, ROOT
from marketing.form import signature
from tasks.automations import waking
from tests.cli.conftest import CONTACTS, ORDERS
from tests.patient import answered

pytestmark = [pytest.mark.prove, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(400)]


class Served:
    """A server, a house, and commands that run in a folder which is not the project's."""

    def __init__(self, folder: Path, server: PrefectServer):
        self.server, self.elsewhere = server, folder / "elsewhere"
        self.elsewhere.mkdir()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("RELANCE_", "PREFECT_"))}
        self.environment = clean | prefect_environment(folder / "prefect") | {
            "PREFECT_API_URL": server.api, "RELANCE_HOME": str(folder / "house"), "PREFECT_WORKER_QUERY_SECONDS": "2"}

    def run(self, module: str, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess:
        program = {"relance": ["-c", "from flows.cli.main import app; app()"]}.get(module, ["-m", module])
        return subprocess.run([sys.executable, *program, *words], env=self.environment, cwd=folder or self.elsewhere,
                              capture_output=True, text=True, check=False)

    def ask(self, method: str, path: str, body=None) -> tuple[int, dict]:
        return answered(self.server.api + path, method, body)

    def deployment(self, name: str) -> dict:
        return self.ask("GET", f"/deployments/name/{name}/{name}")[1]

    def start(self, name: str, **parameters) -> tuple[int, dict]:
        return self.ask("POST", f"/deployments/{self.deployment(name)['id']}/create_flow_run", {"parameters": parameters})


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    with PrefectServer(folder / "prefect") as server:
        server.wait()
        yield Served(folder, server)


@pytest.fixture(scope="module")
def deployed(served):
    """Everything, as `prefect deploy --all` registers it from the repository."""
    assert served.run("prefect", "--no-prompt", "work-pool", "create", POOL, "--type", "process").returncode == 0
    done = served.run("prefect", "--no-prompt", "deploy", "--all", folder=ROOT)

    assert done.returncode == 0, done.stdout + done.stderr
    return served


def test_what_is_there(deployed):
    """A deployment for each chain and each flow of the house: one run at a time, nothing to pull, not paused."""
    found = {one["name"]: one for one in deployed.ask("POST", "/deployments/filter", {})[1]}

    by_hand = {"load", "approve", "release", "STOP"}
    assert set(found) == {*chains.names(), *by_hand, "send", "collect", "report", "maintain", "watch", "connectors"}
    for name, one in found.items():
        if name not in ("watch", "STOP"):  # they free the places of dead runs, and wait for nobody
            assert one["global_concurrency_limit"]["limit"] == 1
            assert one["concurrency_options"]["collision_strategy"] == "ENQUEUE"
        assert (one["paused"], one["pull_steps"], one["work_pool_name"], one["tags"][0]) == (False, [], POOL, "relance")
        assert [schedule["active"] for schedule in one["schedules"]] == ([] if name in by_hand else [True])
        assert one["description"].startswith("# ")


def test_schedules_make_runs(deployed):
    """The server plans the next runs of each schedule; a library of another version once kept it from doing so."""
    until, wanted = time.monotonic() + 60, {"send", "collect", *chains.names()}
    while time.monotonic() < until:
        runs = deployed.ask("POST", "/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}})[1]
        planned = {name for name in wanted if deployed.deployment(name)["id"] in {run["deployment_id"] for run in runs}}
        if planned == wanted:
            break
        time.sleep(1)

    assert planned == wanted


@pytest.mark.parametrize("name", chains.names())
def test_forms(deployed, name):
    """The form of a chain has title, words, limits and default of each of its parameters."""
    form = deployed.deployment(name)["parameter_openapi_schema"]["properties"]

    for field, part in signature(chains.load(name).params).parameters.items():
        extra = part.default.json_schema_extra
        assert (form[field]["title"], form[field]["description"]) == (extra["title"], part.default.description)
        assert form[field]["default"] == part.default.default
        limits = {key: limit for one in getattr(part.annotation, "__metadata__", ())
                  for key, limit in {"minimum": getattr(one, "ge", None), "maximum": getattr(one, "le", None),
                                     "maxLength": getattr(one, "max_length", None)}.items() if limit is not None}
        assert {key: form[field].get(key) for key in limits} == limits


@pytest.mark.parametrize("values", [{"months_silent": "many"}, {"months_silent": 999}, {"discount_percent": -1}])
def test_bad_values(deployed, values):
    """A value that the form does not allow is refused with its field, and no run is made."""
    code, said = deployed.start("reactivate_lapsed", **values)

    assert code in (409, 422) and next(iter(values)) in str(said)


def test_good_values(deployed):
    """A value within its limits makes a run."""
    code, run = deployed.start("reactivate_lapsed", months_silent=6)

    assert (code, run["parameters"]["months_silent"]) == (201, 6)
    assert deployed.ask("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "CANCELLED"}, "force": True})[0] in (200, 201)


def test_deployed_again(deployed):
    """`relance deploy` brings everything up to date; what somebody has paused or switched off stays so."""
    number, send = deployed.deployment("newsletter_monthly")["id"], deployed.deployment("send")
    deployed.ask("PATCH", f"/deployments/{number}", {"paused": True, "description": "changed by hand"})
    deployed.ask("PATCH", f"/deployments/{send['id']}/schedules/{send['schedules'][0]['id']}", {"active": False})
    deployed.ask("DELETE", f"/deployments/{deployed.deployment('maintain')['id']}")
    deployed.ask("PATCH", f"/deployments/{deployed.deployment('prospect_web_lead')['id']}", {"work_pool_name": None})
    assert deployed.ask("POST", "/automations/", waking("sold_off", uuid4()).model_dump(mode="json"))[0] == 201
    before = json.loads(deployed.run("relance", "doctor", "--json").stdout)["findings"]
    done = deployed.run("relance", "deploy", "--json")
    after = json.loads(deployed.run("relance", "doctor", "--json").stdout)["findings"]

    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert (said["paused"], said["returned"], said["forgotten"]) == (["newsletter_monthly"], ["prospect_web_lead"], ["sold_off"])
    assert [one["said"] for one in before if one["about"] == "deployments" and one["state"] == "wrong"] == [
        "not there: maintain", "newsletter_monthly is out of date: description"]
    assert [one["said"].split()[:4] for one in before if one["about"] == "deployments" and one["state"] == "remark"] == [
        ["prospect_web_lead", "is", "in", "no"], ["newsletter_monthly", "is", "paused", "in"]]
    assert [one["state"] for one in after if one["about"] == "deployments"] == ["good", "remark"]
    assert deployed.deployment("prospect_web_lead")["work_pool_name"] == POOL
    assert [one["mend"] for one in after if one["about"] == "workers"] == ["prefect worker start --pool relance"]
    assert [one["state"] for one in after if one["about"] in ("Prefect", "work pool")] == ["good", "good"]
    assert deployed.deployment("newsletter_monthly")["paused"] is True
    assert deployed.deployment("send")["schedules"][0]["active"] is False
    assert not deployed.deployment("maintain")["paused"]


def test_deployed_while_served(deployed, tmp_path):
    """A deploy says that it gives a served chain back to the workers; who serves it takes it back, and at the end returns it."""
    def in_pool(wanted: str | None) -> bool:
        until = time.monotonic() + 60
        while deployed.deployment("loyalty_six_contacts")["work_pool_name"] != wanted and time.monotonic() < until:
            time.sleep(0.2)
        return deployed.deployment("loyalty_six_contacts")["work_pool_name"] == wanted

    with (tmp_path / "said").open("wb") as said:
        serve = subprocess.Popen([sys.executable, "-c", "from flows.cli.main import app; app()", "serve", "loyalty_six_contacts"],
                                 env=deployed.environment, cwd=tmp_path, stdout=said, stderr=said)
    try:
        taken = in_pool(None)
        told = deployed.run("relance", "deploy").stdout
        again = in_pool(None)
        run = deployed.start("loyalty_six_contacts")[1]
        until = time.monotonic() + 60
        while (state := deployed.ask("GET", f"/flow_runs/{run['id']}")[1]["state"])["type"] != "COMPLETED":
            assert time.monotonic() < until, state
            time.sleep(0.5)
    finally:
        serve.terminate()
        serve.wait(60)

    assert (taken, again, in_pool(POOL), serve.returncode) == (True, True, True, 0)
    assert "Given back to the workers: loyalty_six_contacts." in told
    words = (tmp_path / "said").read_text()
    assert words.count("is served: its runs start here") == 2 and "1 runs of loyalty_six_contacts made here" in words


def test_a_run_through_a_worker(deployed, tmp_path):
    """A run that a marketer starts is picked up by a worker in another folder, and ends with what it did."""
    for kind, text in (("contacts", CONTACTS), ("orders", ORDERS)):
        (tmp_path / f"{kind}.csv").write_text(text, encoding="utf-8")
        assert deployed.run("relance", "load", kind, str(tmp_path / f"{kind}.csv")).returncode == 0
    run = deployed.start("reactivate_lapsed", months_silent=12)[1]
    worker = subprocess.Popen([sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"],
                              env=deployed.environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              # Where a shell started the tests in the background SIGINT is ignored, and a worker never ends.
                              preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    try:
        until = time.monotonic() + 180
        while time.monotonic() < until:
            state = deployed.ask("GET", f"/flow_runs/{run['id']}")[1]["state"]
            if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                break
            time.sleep(0.5)
    finally:
        worker.terminate()
        worker.wait(30)

    assert (state["type"], state["message"][:16]) == ("COMPLETED", "20 of 20 entered")
    assert deployed.ask("GET", f"/flow_runs/{run['id']}")[1]["work_pool_name"] == POOL
