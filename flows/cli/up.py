"""`relance up`: a whole installation on this machine, until Ctrl-C: Prefect server, deployments, worker."""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.answering import Answer, Refused, answers

__all__ = ["up"]

#: Flow runs at the same time; each is a process of some 200 MB.
AT_ONCE = 4


@answers
def up(
    port: Annotated[int, typer.Option("--port", metavar="PORT", help="Where the Prefect server listens, or the next free "
                                                                     "port after it.")] = 4200,
) -> Answer:
    """Start everything on this machine: a Prefect server, the deployments, a worker, a process that hears STOP.

    Stops everything on Ctrl-C; a second start finds everything as it was, below RELANCE_HOME.
    """
    from flows.cli import running
    from flows.cli.children import sweep

    wired = running.opened()
    home = wired.warehouse.home / "prefect"
    address, left = None, 0
    children: list[Any] = []
    with _only_one(home) as remember:
        _hear_signals()
        try:
            address = _start(wired, home, port, children, remember)
            while all(child.ended is None for child in children):
                time.sleep(0.5)
            ended = next(child for child in children if child.ended is not None)
            raise Refused(f"the {ended.name} ended with {ended.ended}; its log: {ended.log}")
        except KeyboardInterrupt:
            _say("\nStopping, the worker first.")
        finally:
            for stop in (signal.SIGINT, signal.SIGTERM):
                signal.signal(stop, signal.SIG_IGN)
            # A worker whose server has gone would wait for it for minutes.
            for child in reversed(children):
                child.stop()
            left = sweep()
    return Answer({"address": address, "left": left}, ["Stopped. The next start finds everything as it is."])


def _start(wired: Any, home: Path, port: int, children: list[Any], remember: Callable[[str], None]) -> str:
    """Start the server, register everything, start a worker and who hears STOP; returns the server's address."""
    from flows.cli.prefect_server import PrefectServer, free_port, prefect_environment
    from flows.cli.showing import working

    with working("starting the Prefect server") as tell:
        _say("Starting the Prefect server: half a minute on a busy machine.")
        server = PrefectServer(home, free_port(port))
        children.append(server.child)
        _settle(prefect_environment(home) | {"PREFECT_API_URL": server.api})
        server.wait()
        tell(words="registering the deployments")
        _say("Registering the deployments.")
        done = _registered(wired)
        remember(server.api)
        tell(words="starting a worker")
        children.append(_worker(home))
        children.append(_hearing_stop(home))
    _greet(wired, server, done)
    return server.address


def _registered(wired: Any) -> Any:
    from flows.cli import deploying
    from prefect.client.orchestration import get_client

    done = deploying.register(wired)
    with get_client(sync_client=True) as client:
        deploying.forget_missed(client)
    return done


def _worker(home: Path) -> Any:
    from flows.cli.children import Child
    from flows.deployments import POOL

    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process",
               "--name", f"relance up {os.getpid()}", "--limit", str(AT_ONCE)]
    log = home / "worker.log"
    log.unlink(missing_ok=True)
    return Child("worker", command, os.environ | {"PREFECT_WORKER_QUERY_SECONDS": "5"}, log)


def _hearing_stop(home: Path) -> Any:
    """A process that is there already when somebody presses STOP: the worker would need a quarter of a minute to make one."""
    from flows.cli.children import Child
    from flows.cli.serving import STOP

    log = home / "stop.log"
    log.unlink(missing_ok=True)
    return Child("STOP", [sys.executable, "-c", "from flows.cli.main import app; app()", "serve", STOP], os.environ, log)


def _settle(prefect: Mapping[str, str]) -> None:
    """What this process, the deploy and the worker go by: our server alone, and paths that hold in any folder."""
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        del os.environ[name]
    os.environ |= prefect
    os.environ["RELANCE_HOME"] = str(Path(os.environ.get("RELANCE_HOME", "var")).absolute())
    parts, ledger = os.environ.get("RELANCE_WAREHOUSE_URL"), os.environ.get("RELANCE_LEDGER_URL", "")
    if parts and "://" not in parts:
        os.environ["RELANCE_WAREHOUSE_URL"] = str(Path(parts).absolute())
    if ledger.startswith("sqlite:///"):
        os.environ["RELANCE_LEDGER_URL"] = f"sqlite:///{Path(ledger.removeprefix('sqlite:///')).absolute()}"


def _greet(wired: Any, server: Any, done: Any) -> None:
    from flows.cli.deploying import told

    house = wired.warehouse.house
    for line in told(done):
        _say(line)
    _say(f"""
{house.name} is up, environment {house.environment}.

  Chains and their runs  {server.address}/v2/deployments
  All runs               {server.address}/v2/runs
  Home                   {wired.warehouse.home}
  Logs                   {server.log.parent}/server.log, worker.log and stop.log

Open {server.address}/v2/deployments, choose a chain, Run.
For commands in another terminal:
  export RELANCE_HOME={wired.warehouse.home} PREFECT_API_URL={server.api}
Ctrl-C stops everything.""")


def _say(line: str) -> None:
    """On the error stream: the standard output is the answer's."""
    typer.echo(line, err=True)


def _hear_signals() -> None:
    """SIGTERM ends as Ctrl-C does; and Ctrl-C is heard even where the shell that started this had it ignored."""
    def stop(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


@contextmanager
def _only_one(home: Path) -> Iterator[Callable[[str], None]]:
    """Hold the home's Prefect folder for this process alone; call what is yielded with the server's address.

    Two servers over one database would each keep half of the truth. Raises Refused with the address of the other.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "up.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Refused(f"this home is up already: {file.read().strip() or 'it is just starting'}. Stop it there by "
                          "Ctrl-C, or name another home in RELANCE_HOME.") from None

        def remember(address: str) -> None:
            file.truncate(0)
            file.write(address)
            file.flush()

        remember("")
        try:
            yield remember
        finally:
            remember("")
