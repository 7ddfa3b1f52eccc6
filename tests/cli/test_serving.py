"""`relance serve` without what it needs; with it, it is proved by a real server (tests/prove/test_waking.py)."""

from types import SimpleNamespace

import pytest
from prefect.exceptions import ObjectNotFound

from flows.cli import serving


def test_no_server(empty, monkeypatch):
    """Without a Prefect server there is nothing to serve, and the answer says how to name one."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    said = empty("serve", "prospect_web_lead")

    assert (said.code, said.out) == (1, "")
    assert "PREFECT_API_URL names no Prefect server" in said.err


def test_no_chain(empty):
    """A chain that does not exist is answered with those that do."""
    said = empty("serve", "prospect")

    assert said.code == 2
    assert "there is no chain 'prospect'; chains:" in said.err and "prospect_web_lead" in said.err


def test_stop_needs_no_chain(empty, monkeypatch):
    """STOP is kept ready by its name, and is no chain."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    said = empty("serve", "STOP")

    assert "PREFECT_API_URL names no Prefect server" in said.err and serving._flow("STOP").name == "STOP"


class Server:
    """A server in the words of Prefect's client, with one deployment in a work pool or in none, and nothing due."""

    def __init__(self, pool: str | None, *, gone: bool = False):
        self.pool, self.gone = pool, gone

    def read_deployment(self, number):
        if self.gone:
            raise ObjectNotFound(Exception())
        return SimpleNamespace(id=number, work_pool_name=self.pool, work_queue_name="default")

    def read_deployment_by_name(self, name):
        return self.read_deployment(7)

    def update_deployment(self, number, update):
        self.pool = update.work_pool_name

    def get_scheduled_flow_runs_for_deployments(self, deployments, scheduled_before, limit):
        return []


@pytest.mark.parametrize("server, goes_on", [(Server(None), True), (Server("relance"), False), (Server(None, gone=True), False)])
def test_deployed_again(server, goes_on):
    """It goes on as long as its deployment is its own: neither given back to a work pool by a deploy, nor deleted."""
    assert serving._due(server, None, 7, []) is goes_on


@pytest.mark.parametrize("meanwhile", ["relance", "another"])
def test_given_back(meanwhile):
    """What it has taken it gives back; what a deploy has put into a pool meanwhile stays there."""
    server, other = Server("relance"), Server("relance")
    with serving._taken(server, "ask"):
        taken = server.pool
    with serving._taken(other, "ask"):
        other.pool = meanwhile

    assert (taken, server.pool, other.pool) == (None, "relance", meanwhile)
