"""How a command runs a flow: as a flow run where Prefect keeps it, else as plain functions."""

import atexit
import getpass
import os
import sys
import uuid
from collections.abc import Callable
from typing import Any

__all__ = ["noted", "opened", "quiet_prefect", "run_flow", "run_of_own", "starter", "who"]


def opened() -> Any:
    """The installation that the environment names (flows.wiring); a file of settings that was changed is written down."""
    from flows import wiring
    from warehouse.noticing import notice

    wired = wiring.wired()
    notice(wired.warehouse, who(), now=wired.warehouse.clock.now())
    return wired


def starter() -> str:
    """The account that started the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose account has no name
        return "unnamed"


def who() -> Any:
    """The same as the journal knows them: by the login of a command."""
    from warehouse.journal import LOGIN, Who

    return Who(starter(), LOGIN)


def noted(wired: Any, act: str, what: dict[str, Any], why: str = "") -> None:
    """Write what the command does into the journal; `what` holds ids and counts, never a name or an address of a contact."""
    from warehouse.journal import note

    note(wired.warehouse.ledger, who(), act, what, now=wired.warehouse.clock.now(), why=why)


def run_of_own(kind: str) -> dict[str, str]:
    """Id, name and starter of a run that Prefect does not know."""
    run = str(uuid.uuid4())
    return {"run": run, "run_name": f"{kind}-{run[:8]}", "starter": starter()}


def quiet_prefect() -> None:
    """Settings of Prefect for a command: its logs stay off the terminal, and where no server is named, the temporary
    one sends nothing home and has two minutes to start on a loaded machine. What the shell says stays."""
    quiet = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL", "PREFECT_LOGGING_HANDLERS_CONSOLE_FLOW_RUNS_LEVEL": "CRITICAL"}
    if not os.environ.get("PREFECT_API_URL"):
        quiet |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
                  "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL", "DO_NOT_TRACK": "1"}
    for name, value in quiet.items():
        os.environ.setdefault(name, value)


def served() -> bool:
    """Whether a Prefect server is named, where a run is seen by others."""
    return bool(os.environ.get("PREFECT_API_URL"))


def run_flow(flow: Callable[[], Any], **values: Any) -> Any:
    """Run a flow here and now; returns its data, raises its error. `flow` imports it, after Prefect was quieted."""
    # Registered before Prefect registers its own: what is registered first runs last.
    atexit.register(_end_quietly)
    quiet_prefect()
    made = flow()
    from prefect import tags

    with tags(f"by:{starter()}"):
        return made(**values)


def _end_quietly() -> None:
    """Close the error stream at the very end of the process: Prefect's threads outlive the interpreter, so that
    DuckDB's bindings count their objects as leaked and print a page about it."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
