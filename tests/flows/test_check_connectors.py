"""The flow `connectors` and the wiring of Blocks: what was found is told where people look, and no secret anywhere."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from flows import wiring
from tests.connectors.servers import free_port, scripted_server
from tests.houses import HOUSE

pytestmark = pytest.mark.xdist_group("prefect")

ROOT = Path(__file__).resolve().parents[2]
IN_BLOCK, IN_ENVIRONMENT = "Kx7-in-the-block", "Qw3-in-the-environment"
CONNECTORS = """
[channels]
email = "folder"
[connectors.folder]
kind = "folder"
path = "out"
[connectors.mail]
kind = "smtp"
block = "{block}"
port = {port}
[connectors.other]
kind = "smtp"
host = "127.0.0.1"
port = {closed}
security = "none"
username = "me"
password = {{ env = "OTHER_PASSWORD" }}
sender = "Other <other@example.org>"
"""
RELAY = {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "235 welcome"}


def settled(home: Path, monkeypatch: pytest.MonkeyPatch, port: int, block: str = "mail") -> None:
    """A house with a connector whose settings are in a Block, and one whose password is in the environment."""
    shutil.copy(ROOT / "policy.toml", home / "policy.toml")
    text = HOUSE + CONNECTORS.format(port=port, closed=free_port(), block=block)
    (home / "house.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("RELANCE_HOME", str(home))
    monkeypatch.setenv("OTHER_PASSWORD", IN_ENVIRONMENT)


def saved_mail(**settings) -> None:
    from tasks import blocks

    blocks.save("smtp", "mail", {"host": "127.0.0.1", "port": 1, "security": "none", "username": "me", "password": IN_BLOCK,
                                 "sender": "Shop <shop@example.org>"} | settings)


def everything_kept(run_id) -> str:
    """The flow run, its task runs, its logs and its artifacts, as the server tells them."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        ArtifactFilter, ArtifactFilterFlowRunId, FlowRunFilter, FlowRunFilterId, LogFilter, LogFilterFlowRunId)

    with get_client(sync_client=True) as client:
        runs = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
        found = [client.read_flow_run(run_id), *client.read_task_runs(flow_run_filter=runs),
                 *client.read_logs(log_filter=LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]))),
                 *client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id])))]
    return "\n".join(one.model_dump_json() for one in found)


def test_block_below_house(tmp_path, monkeypatch, prefect_server):
    """What house.toml says wins over the Block that it names; the rest is the Block's."""
    settled(tmp_path, monkeypatch, 2525)
    saved_mail(max_rate=7)
    settings = wiring.wired(every=True).connectors["mail"].settings

    assert (settings.port, settings.host, settings.max_rate) == (2525, "127.0.0.1", 7)
    assert settings.password.get_secret_value() == IN_BLOCK


def test_only_who_sends_needs_the_block(tmp_path, monkeypatch, prefect_server):
    """A house whose Block is not there is opened and read; who asks for the connector is told which Block is missing."""
    from flows.check_connectors import looked_at
    from tasks.blocks import BlockError

    settled(tmp_path, monkeypatch, 2525, block="never-made")
    path = tmp_path / "house.toml"
    path.write_text(path.read_text().replace('email = "folder"', 'email = "mail"'))
    wired = wiring.wired()

    assert (list(wired.connectors), "mail" in wired.connectors, "gone" in wired.connectors) == (["mail"], True, False)
    with pytest.raises(BlockError, match="relance-smtp/never-made"):
        wired.connectors["mail"]
    found = looked_at(wired, "mail")[0]
    assert found.problems[0].startswith("the Block relance-smtp/never-made cannot be read: the Prefect server http")
    assert "relance connectors register --save" in found.todo[0] and found.todo[1] == "relance connectors check mail"


def test_a_mistake_is_told_at_the_start(tmp_path, monkeypatch):
    """A connector that serves a channel and reaches real people is refused when a test house is opened."""
    settled(tmp_path, monkeypatch, 2525)
    path = tmp_path / "house.toml"
    path.write_text(path.read_text().replace('email = "folder"', 'email = "other"'))

    with pytest.raises(wiring.NotAllowed, match="'other' reaches real addresses"):
        wiring.wired()


def test_secrets_are_nowhere(tmp_path, monkeypatch, prefect_server):
    """A run of the check tells login, sender and problem, in its state and its table; neither the secret in a Block nor that
    of the environment stands in its parameters, task runs, artifact or logs, in the ledger, or in the server's database."""
    from flows.check_connectors import connectors
    from prefect.logging import get_run_logger

    with scripted_server(RELAY | {"MAIL": f"553 5.7.1 not with {IN_BLOCK}"}) as (_, port):
        settled(tmp_path, monkeypatch, port)
        saved_mail()
        monkeypatch.setattr("flows.check_connectors.publish", _logging_publish(get_run_logger))
        state = connectors(return_state=True)
    database, told = _database(), everything_kept(state.state_details.flow_run_id)
    by_name = {one.connector: one for one in state.result(raise_on_failure=False)}

    assert state.is_failed()
    assert [(name, one.healthy, one.credentials) for name, one in by_name.items()] == [
        ("folder", True, ""), ("mail", False, "login accepted"), ("other", False, "")]
    assert by_name["mail"].problems == [f"sender: 127.0.0.1:{port}, none takes no mail of shop@example.org "
                                        "(553 5.7.1: 5.7.1 not with ********)"]
    assert "correct the login, the sender or the address" in state.message and "cannot be reached" in told
    assert "shop@example.org refused" in told and '"connector":null' in told.replace(" ", "")
    for secret in (IN_BLOCK, IN_ENVIRONMENT):
        assert secret not in told and secret not in repr(state) + repr(by_name)
        assert [file for file in _files(tmp_path) if secret.encode() in file.read_bytes()] == []
        assert secret not in database
    assert all("given: [Examined(" in kept and "shop@example.org refused" in kept for kept in (told, database))


def _logging_publish(logger):
    """The publishing of the flow, whose log also says all that the task was given."""
    from prefect import task
    from tasks.examine import publish

    @task
    def aloud(found, banner):
        logger().warning("given: %r", found)
        publish.fn(found, banner)

    return aloud


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def _database() -> str:
    """All that stands in the database of the test's own Prefect server, logs and events too once they have arrived."""
    from prefect.logging.handlers import APILogWorker
    from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL

    APILogWorker.instance().drain()
    file = PREFECT_SERVER_DATABASE_CONNECTION_URL.value().removeprefix("sqlite+aiosqlite:///")
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        return "\n".join(database.iterdump())


def test_healthy(tmp_path, monkeypatch, prefect_server):
    """Where a send would work, the run is completed and says so."""
    from flows.check_connectors import connectors

    with scripted_server(RELAY) as (_, port):
        settled(tmp_path, monkeypatch, port)
        saved_mail()
        state = connectors(connector="mail", return_state=True)
    [found] = state.result()

    assert (state.is_completed(), state.message) == (True, "Healthy: mail.")
    assert (found.sender, found.todo) == ("shop@example.org accepted", [])
