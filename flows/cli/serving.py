"""`relance serve`: a chain's flow kept ready in one process, so that a lead's run starts within a second or two."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from flows.cli.answering import Answer, Refused, answers

__all__ = ["STOP", "serve"]

#: The deployment beside those of the chains that is kept ready: nobody who stops something waits for a process to start.
STOP = "STOP"
#: Seconds between two looks at the server.
LOOK = 1.0


@answers
def serve(
    chain: Annotated[str, typer.Argument(help="The chain, by the name of its folder; or STOP.", show_default=False)],
) -> Answer:
    """Make the passes of one chain in this process, one at a time, until Ctrl-C; or hear STOP, as `relance up` does.

    Its deployment is taken from the workers meanwhile and given back at the end. When a deploy gives it back to them, this
    starts anew by itself, and takes it again with the chain as it then is.
    """
    import chains
    from flows.cli import running

    if chain != STOP:
        chains.load(chain)
    if not running.served():
        raise Refused("PREFECT_API_URL names no Prefect server; set it to the one that `relance up` has started.")
    running.quiet_prefect()
    from prefect.client.orchestration import get_client

    flow, made, ours = _flow(chain), [], True
    with get_client(sync_client=True) as client, _taken(client, chain) as deployment, _until_told():
        typer.echo(f"{chain} is served: its runs start here. Ctrl-C ends it.", err=True)
        # Runs are made in a thread: in the main one Prefect would hear SIGTERM first, and break off the run.
        with suppress(KeyboardInterrupt), ThreadPoolExecutor(1, "served") as thread:
            while ours:
                ours = thread.submit(_due, client, flow, deployment, made).result()
                time.sleep(LOOK)
    if not ours:
        typer.echo(f"{chain} was deployed again: it is read anew, and taken back.", err=True)
        _begin_anew()
    return Answer({"chain": chain, "runs": len(made)}, [f"{len(made):,} runs of {chain} made here; the workers make the next."])


def _flow(name: str) -> Any:
    """The flow of a chain, or of STOP, with the installation open."""
    from flows import wiring

    if name == STOP:
        from flows.stop import stop

        wiring.wired(every=True)
        return stop
    from flows import by_chain

    wiring.wired()
    return getattr(by_chain, name)


def _begin_anew() -> None:
    """This command once more, in the place of this process, which goes by the brief that it was started with."""
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _due(client: Any, flow: Any, deployment: Any, made: list[str]) -> bool:
    """Run what is due now, one at most. A server that is away for a moment is asked again.

    False once the deployment is not ours any more: a deploy has given it back to its pool, and the chain may be another by now.
    """
    try:
        if not _still_taken(client, deployment):
            return False
        for found in client.get_scheduled_flow_runs_for_deployments([deployment], scheduled_before=datetime.now(UTC), limit=1):
            if _run(client, flow, found):
                made.append(found.name)
    except Exception as error:  # of the server or on the way to it: the runs' own are in their states
        typer.echo(f"the Prefect server could not be asked, asking again: {type(error).__name__}: {error}", err=True)
        time.sleep(5 * LOOK)
    return True


def _run(client: Any, flow: Any, found: Any) -> bool:
    """Make one flow run here; False where the server says that it must wait, or somebody else has it."""
    from prefect.exceptions import Abort
    from prefect.flow_engine import run_flow
    from prefect.states import Pending
    from prefect.utilities.engine import propose_state_sync

    try:
        if not propose_state_sync(client, Pending(), flow_run_id=found.id).is_pending():
            return False
        state = run_flow(flow, flow_run=client.read_flow_run(found.id), return_type="state")
    except Abort:
        return False
    typer.echo(f"{datetime.now():%H:%M:%S} {found.name}: {state.name}. {state.message or ''}", err=True)
    return True


@contextmanager
def _taken(client: Any, chain: str) -> Iterator[Any]:
    """The chain's deployment, out of its work pool meanwhile: a worker would take its runs ten seconds ahead of time.

    Raises Refused where there is none.
    """
    from prefect.client.schemas.actions import DeploymentUpdate
    from prefect.exceptions import ObjectNotFound

    try:
        found = client.read_deployment_by_name(f"{chain}/{chain}")
    except ObjectNotFound:
        raise Refused(f"{chain} is not deployed on this server; first: relance deploy") from None
    client.update_deployment(found.id, DeploymentUpdate(work_pool_name=None, work_queue_name=None))
    try:
        yield found.id
    finally:
        if found.work_pool_name:
            try:
                if _still_taken(client, found.id):
                    client.update_deployment(found.id, DeploymentUpdate(work_pool_name=found.work_pool_name,
                                                                        work_queue_name=found.work_queue_name))
            except Exception as error:  # whatever keeps it from being asked
                typer.echo(f"{chain} could not be given back to the workers ({error}); do so by: relance deploy", err=True)


def _still_taken(client: Any, deployment: Any) -> bool:
    """Whether a deployment is there, and in no work pool."""
    from prefect.exceptions import ObjectNotFound

    try:
        return client.read_deployment(deployment).work_pool_name is None
    except ObjectNotFound:
        return False


@contextmanager
def _until_told() -> Iterator[None]:
    """SIGTERM ends as Ctrl-C does, once the run that is being made has ended."""
    def stop(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
