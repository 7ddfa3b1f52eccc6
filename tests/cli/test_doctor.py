"""`relance doctor`: each check finds what it is for, and names the command that mends it."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

import chains
from flows.cli import chain_checkups, checkups
from flows.cli.doctor import examined, safely
from tests.cli.conftest import ROOT, START, answering
from warehouse import runs, schema, stops


@pytest.fixture
def wired(tmp_path, monkeypatch):
    """An open house that nothing was loaded into."""
    answering(tmp_path, monkeypatch)
    from flows import wiring

    return wiring.wired()


def found(check, *given) -> list[tuple[str, str, str | None]]:
    """What a check found that is not good: state, words, command."""
    return [(one.state, one.said, one.mend) for one in safely(check, *given) if one.state != "good"]


def test_a_new_house(empty):
    """A house that was just made lacks its sources, and nothing else; both for people and for programs."""
    said, record = empty("doctor"), empty("doctor", "--json")

    assert (said.code, record.code) == (1, 1)
    wrong = [one for one in record.json["findings"] if one["state"] == "wrong"]
    assert [(one["about"], one["mend"]) for one in wrong] == [("sources", "relance load orders FILE")]
    assert record.json["well"] is False
    assert "✗ sources: orders were never loaded: loyalty_six_contacts and reactivate_lapsed wait\n    relance load orders FILE" in said.out
    assert "• Prefect:" in said.out and "    make up" in said.out
    assert said.out.strip().endswith("1 to mend.")


def test_a_house_in_order(loaded):
    """Where nothing is wrong the code is 0, and each fact has its tick."""
    said = loaded("doctor")

    assert said.code == 0, said.out
    assert said.out.count("✓") >= 12 and "✗" not in said.out
    assert said.out.strip().endswith("All is well.")


def test_python(monkeypatch):
    """A Python that is too old is named with what is accepted."""
    monkeypatch.setattr(checkups.platform, "python_version", lambda: "3.10.4")

    assert found(checkups.python, {}) == [("wrong", "3.10.4; accepted: >=3.11", "make setup PYTHON=/path/to/python3.11")]


@pytest.mark.parametrize(("version", "accepted", "fit"), [
    ("0.150.0", ">=0.139,<0.151", True), ("0.155.2", ">=0.139,<0.151", False), ("3.8.8", "==3.8.8", True),
    ("3.9.1", "==3.8.8", False), ("2.0", "==2.0.0", True), ("2.1.0rc1", ">=2.1", True), ("9", "", True), ("10.1", "<9", False)])
def test_bounds(version, accepted, fit):
    """A version is compared number by number."""
    assert checkups.fits(version, accepted) is fit


def test_libraries(monkeypatch):
    """A library of another version, or none, is named with what is accepted."""
    def version(name):
        if name == "duckdb":
            raise checkups.PackageNotFoundError(name)
        return {"fastapi": "0.155.0"}.get(name) or real(name)

    real = checkups.version
    monkeypatch.setattr(checkups, "version", version)
    said = found(checkups.libraries, {})

    assert [words for _, words, _ in said] == [
        "fastapi 0.155.0; accepted: >=0.139,<0.151", "duckdb is not installed; accepted: >=2.0,<2.1"]
    assert all("-m pip install -c constraints.txt" in mend for *_, mend in said)


def test_settings(tmp_path):
    """A settings file that cannot be read is named with its fault; then nothing is opened."""
    (tmp_path / "house.toml").write_text('name = "x"\n')
    environ = {"RELANCE_HOME": str(tmp_path)}
    said = found(checkups.settings, environ)

    assert [(state, mend) for state, _, mend in said] == [("wrong", f"${{EDITOR:-vi}} {tmp_path}/house.toml")]
    assert "house.toml: language is missing" in said[0][1] or "language" in said[0][1]
    assert {one.about for one in examined(environ, lambda: 1 / 0)} == {"Python", "libraries", "house.toml", "policy.toml", "room"}


def test_room(tmp_path, monkeypatch):
    """A disk that is nearly full is told before a pass fails on it."""
    monkeypatch.setattr(checkups.shutil, "disk_usage", lambda path: SimpleNamespace(free=200 << 20))

    assert found(checkups.room, {"RELANCE_HOME": str(tmp_path / "new")}) == [
        ("wrong", f"only 0.2 GB free at {tmp_path}/new", "relance maintain")]


@pytest.mark.parametrize(("variable", "value", "about", "mend"), [
    ("RELANCE_LEDGER_URL", "mysql://x/y", "ledger", "export RELANCE_LEDGER_URL=sqlite:///FILE"),
    ("RELANCE_WAREHOUSE_URL", "HOME/house.toml", "parts", "export RELANCE_WAREHOUSE_URL=FOLDER"),
    ("RELANCE_THREADS", "two", "installation", "relance status --debug"),
])
def test_what_cannot_be_opened(tmp_path, monkeypatch, variable, value, about, mend):
    """An installation that cannot be opened says why in one finding, with the setting to change."""
    answering(tmp_path, monkeypatch)
    monkeypatch.setenv(variable, value.replace("HOME", str(tmp_path)))
    from flows import wiring

    said = [one for one in examined(wiring.os.environ, wiring.wired) if one.state == "wrong"]

    assert [(one.about, one.mend) for one in said] == [(about, mend)], said


def test_another_environment(wired, tmp_path):
    """A ledger of another environment is named; it cannot be made to fit."""
    text = (tmp_path / "house.toml").read_text()
    (tmp_path / "house.toml").write_text(text.replace('environment = "test"', 'environment = "demo"'))
    from flows import wiring

    wiring._OPEN.clear()
    said = [one for one in examined(wiring.os.environ, wiring.wired) if one.state == "wrong"]

    assert [(one.about, one.mend) for one in said] == [("ledger", "export RELANCE_HOME=ANOTHER_FOLDER")]


def test_ledger(wired):
    """A ledger whose revision changed under us is told."""
    with wired.warehouse.ledger.begin() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))

    assert [(state, mend) for state, _, mend in found(checkups.ledger, wired)] == [("wrong", "relance status")]


def test_parts(wired):
    """A folder of parts that cannot be written is told; the try leaves nothing behind."""
    assert found(checkups.parts, wired) == []
    assert not (wired.warehouse.store.root / "doctor").exists()

    (wired.warehouse.store.root / "doctor").write_text("in the way")
    assert [(state, mend) for state, _, mend in found(checkups.parts, wired)] == [("wrong", "export RELANCE_WAREHOUSE_URL=FOLDER")]


@pytest.mark.parametrize(("environment", "sqlite", "own", "mode", "size", "state", "mend"), [
    ("live", True, True, 0o600, 64, "good", None), ("live", True, True, 0o644, 64, "wrong", "chmod 600"),
    ("live", False, True, 0o600, 64, "wrong", "export RELANCE_SECRET_KEY=$(cat"), ("live", False, False, 0o600, 64, "good", None),
    ("live", True, False, 0o600, 8, "wrong", "token_hex(32)"), ("test", True, False, 0o600, 8, "remark", "token_hex(32)"),
])
def test_secret(tmp_path, environment, sqlite, own, mode, size, state, mend):
    """The key is long, read by its owner only, and the same on every machine of a ledger."""
    key = b"k" * size
    (tmp_path / "secret.key").write_bytes(key if own else b"another")
    (tmp_path / "secret.key").chmod(mode)
    fake = SimpleNamespace(warehouse=SimpleNamespace(house=SimpleNamespace(environment=environment), key=key, home=tmp_path,
                                                     ledger=SimpleNamespace(sqlite=sqlite)))
    (said,) = checkups.secret(fake)

    assert said.state == state and (mend is None) == (said.mend is None) and (mend or "") in (said.mend or "")


def start(wired, kind: str, **more) -> None:
    runs.start(wired.warehouse.ledger, kind, name=kind, kind=kind, chain=None, params=more.pop("params", {}), as_of=START,
               wall=more.pop("wall", START))


def test_clock(wired):
    """A clock that stands behind the last run is told; one that is simulated is a remark."""
    start(wired, "send", wall=wired.wall() + timedelta(days=2))
    assert [(state, mend) for state, _, mend in found(checkups.clock, wired)] == [("wrong", "sudo timedatectl set-ntp true")]


def test_simulated_clock(loaded):
    """A simulated clock is a remark."""
    from flows import wiring

    assert [state for state, *_ in found(checkups.clock, wiring.wired())] == ["remark"]


CHECK = "${EDITOR:-vi} house.toml && relance connectors check folder"
SMTP = 'kind = "smtp"\nhost = "h"\nsender = "s@example.org"\n'


@pytest.mark.parametrize(("settings", "words", "mend"), [
    ('kind = "pigeon"', "no connector of kind 'pigeon'", CHECK), (SMTP, "reaches real addresses", CHECK),
    (SMTP + 'password = { env = "NO_SUCH_SECRET" }', "NO_SUCH_SECRET", "export NO_SUCH_SECRET=VALUE"),
])
def test_connectors_that_cannot_be_made(tmp_path, monkeypatch, settings, words, mend):
    """A connector that is not there, not allowed, or lacks its secret is told by itself; all else is looked at."""
    answering(tmp_path, monkeypatch)
    text = (tmp_path / "house.toml").read_text()
    (tmp_path / "house.toml").write_text(re.sub(r'kind = "folder".*\npath = .*\n', f"{settings}\n", text))
    from flows import wiring

    said = list(examined(wiring.os.environ, lambda: wiring.wired(every=True)))
    wrong = [one for one in said if one.state == "wrong" and one.about != "sources"]

    assert [(one.about, one.mend) for one in wrong] == [("connector folder", mend)]
    assert words in wrong[0].said and "outbox" in {one.about for one in said}


def test_connectors(wired, tmp_path):
    """A connector that could not send, and one that is stopped, are told."""
    (tmp_path / "sent").write_text("in the way")
    said = found(checkups.connectors, wired)
    (tmp_path / "sent").unlink()
    stops.stop(wired.warehouse.ledger, "folder", "the account is closed")

    assert [(state, mend) for state, _, mend in said] == [("wrong", CHECK)]
    assert found(checkups.connectors, wired) == [("wrong", "is stopped: the account is closed", "relance send folder --resume")]


def test_chains(wired, tmp_path, monkeypatch):
    """A chain that is not sound is told with its fault."""
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "chain.py").write_text("CHAIN = (\n")
    monkeypatch.setattr(chains, "__path__", [*chains.__path__, str(tmp_path)])
    said = found(chain_checkups.chain_files, wired)

    assert [(state, mend) for state, _, mend in said] == [("wrong", "relance chains check torn")]
    assert "'(' was never closed" in said[0][1]


def test_changes(wired, monkeypatch):
    """A chain that would lose people is told as `relance chains diff` tells it; one that is paused is a remark."""
    from flows.cli import chain_changes
    from warehouse.pausing import pause

    pause(wired.warehouse.ledger, "reactivate_lapsed", now=START, by="anne", why="stock")
    monkeypatch.setattr(chain_changes, "lost", lambda wired: ["3 people stand at a step that is gone"])

    assert found(chain_checkups.changes, wired) == [
        ("wrong", "3 people stand at a step that is gone", "relance chains diff"),
        ("remark", "paused since 2026-01-05 10:00 by anne, stock", "relance chains resume reactivate_lapsed")]


def test_runs(wired):
    """The last run of a kind that failed, or whose process died, is told with the command that does it again."""
    ledger = wired.warehouse.ledger
    start(wired, "load", params={"kind": "orders", "path": "o.csv"})
    runs.finish(ledger, "load", state="failed", summary={"error": "no such column"}, wall=START)
    start(wired, "send")
    with ledger.begin() as tx:
        tx.execute(sa.update(schema.run).where(schema.run.c.id == "send").values(process="elsewhere 1 2 other/4"))
    start(wired, "collect")
    runs.finish(ledger, "collect", state="completed", summary={}, wall=START)
    said = found(chain_checkups.runs, wired)

    assert [mend for *_, mend in said] == ["relance load orders o.csv", "relance send"]
    assert said[0][1] == "the last load failed: no such column" and "the last send crashed" in said[1][1]


def test_outbox(wired):
    """Batches of a dead sender, and those that could have left long ago, are told by connector."""
    ledger, now = wired.warehouse.ledger, wired.wall()
    start(wired, "pass", wall=now)
    usual = {"part": 1, "first_row": 0, "rows": 30, "slice": 0, "chain": 1, "step": "s", "run": "pass", "attempt": 0}
    with ledger.begin() as tx:
        for number, (connector, state, more) in enumerate([
                ("mail", "sending", {"lease_until": now - timedelta(seconds=1)}), ("mail", "sending", {"lease_until": now + timedelta(1)}),
                ("sms", "planned", {"not_before": now - timedelta(hours=2)}), ("sms", "planned", {"not_before": now + timedelta(1)}),
                ("post", "planned", {"not_before": now - timedelta(minutes=5)})]):
            tx.execute(sa.insert(schema.batch), {**usual, "id": number + 1, "connector": connector, "state": state, **more})
    said = found(chain_checkups.outbox, wired)

    assert said == [("wrong", "30 touches by mail were being sent by a process that died", "relance send mail"),
                    ("wrong", "30 touches by sms could have left more than an hour ago", "relance send sms")]


def test_programs(wired, monkeypatch):
    """Programs that nothing but pictures needs are a remark."""
    monkeypatch.setattr(checkups.shutil, "which", lambda name: None)
    monkeypatch.setattr(checkups.sys, "executable", "/nowhere/python")

    assert [(state, mend) for state, _, mend in found(checkups.programs, wired)] == [
        ("remark", "pip install graphviz-pure"), ("remark", "sudo apt-get install chromium")]


def test_a_check_that_fails():
    """A check that cannot be made is a finding, and stops no other."""
    def torn(given):
        raise ValueError("torn")
        yield

    assert found(torn, None) == [("wrong", "could not be looked at: ValueError: torn", "relance doctor --debug")]


def test_every_check_is_tried():
    """There is a test for each check, and each check is of one list."""
    text = "".join((ROOT / "tests" / "cli" / name).read_text("utf-8") for name in ("test_doctor.py", "test_going_live.py"))
    checks = [check.__name__ for check in (*checkups.BEFORE, *checkups.INSIDE, *chain_checkups.MOVING)]

    assert [name for name in checks if f"checkups.{name}" not in text] == ["sources"]  # in test_a_new_house
