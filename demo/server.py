"""A Prefect server of the demo's own: quiet, on a free local port, with its database kept below the demo's folder."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["ServerFailed", "PrefectServer", "prefect_environment"]

#: A loaded machine takes half a minute to start one.
PATIENCE = 120
PROFILE = """active = "demo"

[profiles.demo]
PREFECT_SERVER_ANALYTICS_ENABLED = "false"
"""


class ServerFailed(Exception):
    """The Prefect server did not start; the text names its log."""


def prefect_environment(home: Path) -> dict[str, str]:
    """What the server and the runs go by: all state below `home`, no telemetry, only what is wrong on the screen."""
    return {
        "PREFECT_HOME": str(home), "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false", "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        # The runs' own lines go to the server, where they are read; the screen belongs to the progress bar.
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL", "PREFECT_CLI_PROMPT": "false",
    }


class PrefectServer:
    """Starts at once and is ready later, so that other work can be done meanwhile; stops with the `with`."""

    def __init__(self, home: Path):
        home.mkdir(parents=True, exist_ok=True)
        # Who starts a server over this folder later gets these settings from here, and so a quiet one.
        (home / "profiles.toml").write_text(PROFILE, encoding="utf-8")
        self.log = home / "server.log"
        self.address = f"http://127.0.0.1:{_free_port()}"
        port = self.address.rpartition(":")[2]
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        with self.log.open("wb") as out:
            # A session of its own: Ctrl-C reaches the demo, which then stops the server in order.
            self._process = subprocess.Popen(command, env=environment | prefect_environment(home), stdin=subprocess.DEVNULL,
                                             stdout=out, stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def api(self) -> str:
        return f"{self.address}/api"

    def wait(self) -> None:
        """Return once it answers. Raises ServerFailed."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise ServerFailed(f"the Prefect server ended with {self._process.returncode}; its log: {self.log}")
            try:
                with urllib.request.urlopen(f"{self.api}/health", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise ServerFailed(f"the Prefect server did not answer within {PATIENCE} seconds; its log: {self.log}")

    def stop(self) -> None:
        """End it, in order where it can."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]
