"""A Prefect server of the installation's own: quiet, on this machine only, its database kept below the home folder."""

import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from flows.cli.children import Child

__all__ = ["PORT", "PrefectServer", "ServerFailed", "free_port", "prefect_environment"]

#: Where people look for a Prefect server.
PORT = 4200
#: A loaded machine takes half a minute to start one.
PATIENCE = 180
PROFILE = """active = "relance"

[profiles.relance]
PREFECT_SERVER_ANALYTICS_ENABLED = "false"
"""


class ServerFailed(Exception):
    """The Prefect server did not start; the text names its log."""


def prefect_environment(home: Path) -> dict[str, str]:
    """What the server and the runs go by: all state below `home`, no telemetry, only what is wrong on the screen."""
    return {
        "PREFECT_HOME": str(home), "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1",
        # A run that finds another one of its chain running tries again after so many seconds, not half a minute.
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false", "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        # The runs' own lines go to the server, where they are read; the screen belongs to the command.
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL", "PREFECT_CLI_PROMPT": "false",
    }


def free_port(first: int = 0) -> int:
    """The first port from `first` on that nobody of this machine listens at; 0: any. Raises ServerFailed."""
    for port in range(first, first + 100 if first else 1):
        with socket.socket() as door:
            # Connections that were closed a moment ago do not keep the port of the server before this one.
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                door.bind(("127.0.0.1", port))
            except OSError:
                continue
            return door.getsockname()[1]
    raise ServerFailed(f"no port from {first} to {first + 99} is free")


class PrefectServer:
    """Starts at once and is ready later, so that other work can be done meanwhile; stops with the `with`."""

    def __init__(self, home: Path, port: int | None = None, settings: Mapping[str, str] | None = None):
        home.mkdir(parents=True, exist_ok=True)
        # Who starts a server over this folder later gets these settings from here, and so a quiet one.
        (home / "profiles.toml").write_text(PROFILE, encoding="utf-8")
        self.log = home / "server.log"
        self.log.unlink(missing_ok=True)
        port = port or free_port()
        self.address = f"http://127.0.0.1:{port}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        # Unless told, its pages look for it at Prefect's usual port, whatever port it listens at.
        pages = {"PREFECT_SERVER_UI_API_URL": self.api, "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false"}
        settings = prefect_environment(home.absolute()) | pages | dict(settings or {})
        self.child = Child("Prefect server", command, environment | settings, self.log)

    @property
    def api(self) -> str:
        return f"{self.address}/api"

    def wait(self) -> None:
        """Return once it answers. Raises ServerFailed."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.child.ended is not None:
                raise ServerFailed(f"the Prefect server ended with {self.child.ended}; its log: {self.log}")
            try:
                with urllib.request.urlopen(f"{self.api}/health", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise ServerFailed(f"the Prefect server did not answer within {PATIENCE} seconds; its log: {self.log}")

    def stop(self) -> None:
        """End it, in order where it can."""
        self.child.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
