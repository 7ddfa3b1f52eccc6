"""The command line as a whole: documented, quick to help, errors without traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from flows.cli.documented import pages
from flows.cli.main import app
from tests.cli.conftest import ROOT

COMMANDS = typer.main.get_command(app).commands


def words(command) -> list:
    return [part for one in command.values() for part in (words(one.commands) if hasattr(one, "commands") else [one])]


def relance(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess:
    """The command in a process of its own."""
    return subprocess.run([sys.executable, "-c", "from flows.cli.main import app; app()", *arguments], cwd=ROOT, text=True,
                          env=os.environ | {"RELANCE_HOME": str(home)} | environment, capture_output=True, check=False)


@pytest.mark.parametrize("name", ["commands.md", "chains.md", "sql.md"])
def test_pages_are_current(name):
    """The generated pages say what the code says; renew them by python -m flows.cli.documented docs."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == pages()[name]


@pytest.mark.parametrize("command", words(COMMANDS), ids=lambda command: command.name)
def test_every_command(command):
    """Every command has a sentence of help, words for each of its options, --json and --debug."""
    options = {name: part for part in command.params for name in getattr(part, "opts", [])}

    assert command.help.splitlines()[0].endswith(".")
    assert {"--json", "--debug"} <= set(options)
    assert [name for name, part in options.items() if not part.help] == []


def test_help_is_quick():
    """Asking for help imports neither Prefect nor the engine."""
    code = ("import sys; from flows.cli.main import app; "
            "print([name for name in ('prefect', 'duckdb', 'sqlalchemy', 'matplotlib', 'pydantic') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(("environment", "told"), [
    ({"RELANCE_LEDGER_URL": "mysql://somewhere/ledger"}, "RELANCE_LEDGER_URL cannot be used"),
    ({"RELANCE_WAREHOUSE_URL": "ftp://somewhere"}, "accepted: a folder, or s3://bucket/prefix"),
])
def test_settings(tmp_path, environment, told):
    """A wrong setting is one sentence on the error stream and 1; JSON with --json; a traceback only with --debug."""
    said, record, debug = (relance("status", *more, home=tmp_path, **environment) for more in ((), ("--json",), ("--debug",)))

    assert (said.returncode, said.stdout, "Traceback" in said.stderr) == (1, "", False)
    assert told in said.stderr
    assert told in json.loads(record.stdout)["error"]["message"] and record.stderr == ""
    assert "Traceback" in debug.stderr


@pytest.mark.parametrize(("lease", "code"), [("60", 1), ("61", 0)])
def test_a_lease_is_longer_than_the_wait(tmp_path, lease, code):
    """A connector that may wait for an answer as long as a sender's lease lasts is refused at start, with both numbers."""
    text = (ROOT / "house.toml").read_text().replace('email = "folder"', 'email = "mail"')
    (tmp_path / "house.toml").write_text(
        text + '\n[connectors.mail]\nkind = "smtp"\nhost = "smtp.example.org"\nsender = "hello@shop.example"\n'
        'allow = ["@shop.example"]\n')
    said = relance("status", home=tmp_path, RELANCE_LEASE=lease)

    assert (said.returncode, "Traceback" in said.stderr) == (code, False)
    assert ("'mail' waits up to 60 seconds for an answer (timeout), and a sender's lease is 60 (RELANCE_LEASE)"
            in said.stderr) is bool(code)


def test_house_file(tmp_path):
    """A mistake in house.toml is told with its key."""
    (tmp_path / "house.toml").write_text((ROOT / "house.toml").read_text().replace('language = "fr"', 'language = "french"'))
    said = relance("status", home=tmp_path)

    assert (said.returncode, "Traceback" in said.stderr) == (1, False)
    assert "language" in said.stderr


def test_version(tmp_path):
    """--version prints the version and nothing else."""
    assert relance("--version", home=tmp_path).stdout.count(".") == 2
