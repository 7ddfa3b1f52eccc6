"""A whole installation as `relance up` starts it, over an invented shop: what a marketer's browser is pointed at."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.cli.prefect_server import free_port
from tests.patient import answered
from tests.prove.shop import Shop

__all__ = ["Installation", "installed"]

ROOT = Path(__file__).resolve().parents[2]
#: Seconds that a loaded machine may take for server, deployments and worker, and for one run.
PATIENCE = 240
RELANCE = [sys.executable, "-c", "from flows.cli.main import app; app()"]
#: The house on its simulated day with every file loaded, in one process.
BEGIN = """
import sys
from datetime import datetime
from flows import wiring
from flows.cli.main import app
wiring.wired().warehouse.clock.simulate(datetime.fromisoformat(sys.argv[1]))
for path in sys.argv[2:]:
    app(["load", path.rpartition("/")[2].removesuffix(".csv"), path], standalone_mode=False)
"""
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@dataclass(frozen=True)
class Installation:
    """A running one: where its pages, its state and its logs are."""

    address: str
    home: Path
    environment: dict[str, str]

    @property
    def prefect(self) -> Path:
        """The folder with Prefect's database and the logs of server and worker."""
        return self.home / "prefect"

    def ask(self, path: str, **values: Any) -> Any:
        """What Prefect's API answers."""
        posts = path.endswith(("/filter", "/pause_deployment", "/create_flow_run"))
        code, said = answered(f"{self.address}/api{path}", "POST" if posts else "GET", values if posts else None)
        assert code < 300, f"{path}: {code} {said}"
        return said

    def runs_of(self, flow: str) -> list[dict[str, Any]]:
        return self.ask("/flow_runs/filter", flows={"name": {"any_": [flow]}})

    def ended(self, run: str) -> dict[str, Any]:
        """The run once it has ended. Raises TimeoutError."""
        until = time.monotonic() + PATIENCE
        while (found := self.ask(f"/flow_runs/{run}"))["state_type"] not in FINAL:
            if time.monotonic() > until:
                raise TimeoutError(f"run {found['name']} is still {found['state_type']}")
            time.sleep(0.5)
        return found

    def command(self, *words: str) -> str:
        """A `relance` command as in another terminal, its run kept by this server; returns all that it said."""
        done = subprocess.run([*RELANCE, *words], env=self.environment | {"PREFECT_API_URL": f"{self.address}/api"}, cwd=ROOT,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr


@contextmanager
def installed(home: Path, shop: Shop, policy: Mapping[str, str] | None = None) -> Iterator[Installation]:
    """An installation in `home` with the shop's files loaded, until the end; nothing runs in it by itself.

    `policy` are words of policy.toml that stand there as other words.
    """
    files = shop.write(home / "files")
    for name in ("house.toml", "policy.toml"):
        shutil.copy(ROOT / name, home / name)
    for words, others in (policy or {}).items():
        text = (home / "policy.toml").read_text(encoding="utf-8")
        assert words in text
        (home / "policy.toml").write_text(text.replace(words, others), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RELANCE_", "PREFECT_"))}
    environment |= {"RELANCE_HOME": str(home), "COLUMNS": "300"}
    subprocess.run([sys.executable, "-c", BEGIN, shop.day.isoformat(), *map(str, files)], env=environment, cwd=ROOT,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    port, log = free_port(), home / "prefect" / "up.log"
    log.parent.mkdir()
    with log.open("wb") as out:
        up = subprocess.Popen([*RELANCE, "up", "--port", str(port)], env=environment, cwd=ROOT, stdin=subprocess.DEVNULL,
                              stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait(up, log)
        made = Installation(f"http://127.0.0.1:{port}", home, environment)
        for one in made.ask("/deployments/filter"):
            made.ask(f"/deployments/{one['id']}/pause_deployment")
        yield made
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(90)


def _wait(up: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while "Ctrl-C stops everything." not in (said := log.read_text(encoding="utf-8")):
        if up.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"the installation did not start: {said[-2000:]}")
        time.sleep(0.3)
