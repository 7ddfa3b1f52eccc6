"""The checks of `relance doctor` on the Prefect server: there, of this version, with a worker and current deployments."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.cli.findings import Finding, good, remark, wrong

__all__ = ["ON_SERVER", "address", "served"]

WORKER = "prefect worker start --pool relance"


def address(environ: Mapping[str, str]) -> str | None:
    """The API of the Prefect server: that of PREFECT_API_URL, else of the home's own while it is up."""
    if url := environ.get("PREFECT_API_URL"):
        return url
    remembered = Path(environ.get("RELANCE_HOME", "var")) / "prefect" / "up.lock"
    return remembered.read_text().strip() or None if remembered.is_file() else None


def served(environ: Mapping[str, str], wired: Any) -> Iterator[Finding]:
    """All checks of the server, or why there is none to check."""
    url = address(environ)
    if url is None:
        yield remark("Prefect", "PREFECT_API_URL names no server: a chain is passed when a command or cron does it", "make up")
        return
    home = environ.get("RELANCE_HOME", "var")
    if environ.get("PREFECT_API_URL") and not Path(home).is_absolute():
        yield wrong("RELANCE_HOME", f"is {home!r}, and a worker's runs start in a folder of their own",
                    f"export RELANCE_HOME={Path(home).absolute()}")
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: url}), get_client(sync_client=True) as client:
        fault = client.api_healthcheck()
        if fault is not None:
            yield wrong("Prefect", f"the server {url} does not answer ({fault})", "make up")
            return
        for check in ON_SERVER:
            yield from check(client, wired)


def same_version(client: Any, wired: Any) -> Iterator[Finding]:
    """Server and workers are of one version."""
    import prefect

    found = client.api_version()
    if found == prefect.__version__:
        yield good("Prefect", f"{found} at {client.api_url}")
    else:
        yield wrong("Prefect", f"the server is {found}, this is {prefect.__version__}",
                    f"pip install prefect=={prefect.__version__} -c constraints.txt")


def pool(client: Any, wired: Any) -> Iterator[Finding]:
    """The work pool is there and goes on."""
    from flows.deployments import POOL
    from prefect.exceptions import ObjectNotFound

    try:
        found = client.read_work_pool(POOL)
    except ObjectNotFound:
        yield wrong("work pool", f"there is no {POOL}", "relance deploy")
        return
    if found.is_paused:
        yield wrong("work pool", f"{POOL} is paused: no run starts", f"prefect work-pool resume {POOL}")
    else:
        yield good("work pool", f"{POOL}, of type {found.type}")


def workers(client: Any, wired: Any) -> Iterator[Finding]:
    """A worker is there to start runs."""
    from flows.deployments import POOL
    from prefect.client.schemas.filters import WorkerFilter
    from prefect.exceptions import ObjectNotFound

    try:
        online = client.read_workers_for_work_pool(POOL, worker_filter=WorkerFilter(status={"any_": ["ONLINE"]}))
    except ObjectNotFound:
        return
    if online:
        yield good("workers", ", ".join(sorted(worker.name for worker in online)))
    else:
        yield wrong("workers", f"none is online for the pool {POOL}: runs are scheduled and never start", WORKER)


def registered(client: Any, wired: Any) -> Iterator[Finding]:
    """Every chain and every flow of the house is deployed, as it is written now."""
    from flows.cli.deploying import differences

    found = differences(client, wired)
    if found.missing:
        yield wrong("deployments", f"not there: {', '.join(found.missing)}", "relance deploy")
    for name, parts in found.stale.items():
        yield wrong("deployments", f"{name} is out of date: {', '.join(parts)}", "relance deploy")
    for name in found.strangers:
        yield wrong("deployments", f"{name} belongs to no chain", f"prefect deployment delete {name}/{name}")
    if not (found.missing or found.stale or found.strangers):
        yield good("deployments", "all there, as they are written")
    for name in found.served:
        yield remark("deployments", f"{name} is in no work pool: relance serve makes its runs, or was killed", "relance deploy")
    for name, number in found.paused.items():
        yield remark("deployments", f"{name} is paused in Prefect: its schedule starts nothing",
                     f"curl -X POST {client.api_url}deployments/{number}/resume_deployment")


ON_SERVER = (same_version, pool, workers, registered)
