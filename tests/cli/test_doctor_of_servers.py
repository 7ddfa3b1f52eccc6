"""`relance doctor` and the Prefect server: each check finds what it is for, and names the command that mends it."""

from pathlib import Path
from types import SimpleNamespace

from prefect.exceptions import ObjectNotFound

from flows.cli import deploying, server_checkups
from flows.cli.deploying import Difference
from tests.cli.test_doctor import found


def test_no_server(tmp_path):
    """Without a server there is a remark; one that does not answer is wrong, and so is a home that moves with the folder."""
    assert [state for state, *_ in found(server_checkups.served, {"RELANCE_HOME": str(tmp_path)}, None)] == ["remark"]

    said = found(server_checkups.served, {"RELANCE_HOME": "var", "PREFECT_API_URL": "http://127.0.0.1:9/api"}, None)
    assert [state for state, *_ in said] == ["wrong", "wrong"]
    assert [mend for *_, mend in said] == [f"export RELANCE_HOME={Path('var').absolute()}", "make up"]


def test_the_server_of_the_home(tmp_path):
    """While the home is up, its own server is looked at without being named."""
    (tmp_path / "prefect").mkdir()
    (tmp_path / "prefect" / "up.lock").write_text("http://127.0.0.1:4207/api")

    assert server_checkups.address({"RELANCE_HOME": str(tmp_path)}) == "http://127.0.0.1:4207/api"
    assert server_checkups.address({"RELANCE_HOME": str(tmp_path), "PREFECT_API_URL": "x"}) == "x"


class Server:
    """A server in the words of Prefect's client."""

    api_url = "http://prefect/api/"

    def __init__(self, version="3.8.8", pool=None, workers=()):
        self.version, self.pool, self.workers = version, pool, workers

    def api_version(self):
        return self.version

    def read_work_pool(self, name):
        if self.pool is None:
            raise ObjectNotFound(Exception())
        return self.pool

    def read_workers_for_work_pool(self, name, worker_filter):
        return [SimpleNamespace(name=worker) for worker in self.workers]


def test_server():
    """Another version, no pool, a paused pool and no worker are told."""
    whole = Server(pool=SimpleNamespace(is_paused=False, type="process"), workers=["one"])
    checks = (server_checkups.same_version, server_checkups.pool, server_checkups.workers)

    assert [found(check, whole, None) for check in checks] == [[], [], []]
    assert "the server is 3.1.0" in found(server_checkups.same_version, Server("3.1.0"), None)[0][1]
    assert found(server_checkups.pool, Server(), None) == [("wrong", "there is no relance", "relance deploy")]
    paused = Server(pool=SimpleNamespace(is_paused=True, type="process"))
    assert found(server_checkups.pool, paused, None)[0][2] == "prefect work-pool resume relance"
    assert found(server_checkups.workers, paused, None)[0][2] == server_checkups.WORKER


def test_deployments(monkeypatch):
    """What is missing, out of date, without a chain or paused is told by name."""
    monkeypatch.setattr(deploying, "differences", lambda client, wired: Difference(
        ["send"], {"newsletter_monthly": ["description"]}, ["old_chain"], {"report": "7"}, ["prospect_web_lead"]))
    said = found(server_checkups.registered, Server(), None)

    assert said == [
        ("wrong", "not there: send", "relance deploy"),
        ("wrong", "newsletter_monthly is out of date: description", "relance deploy"),
        ("wrong", "old_chain belongs to no chain", "prefect deployment delete old_chain/old_chain"),
        ("remark", "prospect_web_lead is in no work pool: relance serve makes its runs, or was killed", "relance deploy"),
        ("remark", "report is paused in Prefect: its schedule starts nothing",
         "curl -X POST http://prefect/api/deployments/7/resume_deployment")]
