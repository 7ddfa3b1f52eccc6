"""`relance deploy`: everything that runs, registered with a Prefect server: work pool, deployments, automations."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


from flows.cli.answering import FAILED, Answer, Refused, answers

__all__ = ["Deployed", "Difference", "deploy", "differences", "forget_missed", "register", "wanted"]

#: What somebody may have changed in the browser stays; all else of a deployment is as prefect.yaml says.
_COMPARED = ("entrypoint", "description", "tags", "work_pool_name", "parameters", "enforce_parameter_schema",
             "parameter_openapi_schema")


@dataclass
class Deployed:
    """What was registered: deployments, the chains that cannot be read, deployments of ours that belong to nothing,
    deployments that are paused, those that were in no work pool, chains that an automation wakes and alarms that one
    tells from now on, chains that are no more and that none wakes any longer."""

    deployments: list[str]
    broken: dict[str, str] = field(default_factory=dict)
    strangers: list[str] = field(default_factory=list)
    paused: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)


@dataclass
class Difference:
    """How the server's deployments differ from what they should be."""

    missing: list[str]
    stale: dict[str, list[str]]
    strangers: list[str]
    paused: dict[str, str]  #: with the id that Prefect gave
    served: list[str]  #: in no work pool: by `relance serve`, or left so by one that was killed


@answers
def deploy() -> Answer:
    """Register work pool, deployments and automations with the Prefect server of PREFECT_API_URL.

    What is paused stays paused. Ends with 1 when a chain cannot be read; the others are deployed. Refused while contacts
    stand on a step that their chain no longer has, until somebody has said what becomes of them.
    """
    from flows.cli import running
    from flows.cli.chain_changes import lost

    if waits := lost(running.opened()):
        raise Refused(" ".join(waits))
    if not running.served():
        raise Refused("PREFECT_API_URL names no Prefect server; set it, or start one on this machine by: make up")
    running.quiet_prefect()
    wired = running.opened()
    done = register(wired)
    running.noted(wired, "deploy", {"deployments": done.deployments, "broken": sorted(done.broken)})
    return Answer(done, list(told(done)), FAILED if done.broken else 0)


def told(done: Deployed) -> Iterator[str]:
    """What was registered, in sentences."""
    yield f"{len(done.deployments)} deployments: {', '.join(done.deployments)}."
    if done.woken:
        yield f"Woken by what concerns them, from now on: {', '.join(done.woken)}."
    if done.alarms:
        whom = os.environ.get("RELANCE_NOTIFY")
        yield f"{len(done.alarms)} automations for alarms, " + (
            f"told by {whom}." if whom else "told on the page status alone: name a notification Block in RELANCE_NOTIFY.")
    if done.forgotten:
        yield f"Woken no more, the chain is gone: {', '.join(done.forgotten)}."
    if done.returned:
        yield (f"Given back to the workers: {', '.join(done.returned)}. A relance serve that is running takes its chain back "
               "within seconds, as it is now; after one that was killed the workers make the runs.")
    if done.paused:
        yield f"Paused, and left so: {', '.join(done.paused)}."
    yield from (f"Not deployed, it cannot be read: {fault}" for fault in done.broken.values())
    yield from (f"{name} is deployed and belongs to no chain. Remove it: prefect deployment delete {name}/{name}"
                for name in done.strangers)


def register(wired: Any) -> Deployed:
    """Make the work pool, all deployments and all automations, or bring them up to date.

    Raises Refused while a changed chain would lose people.
    """
    import chains
    from flows import deployments
    from flows.cli.chain_changes import lost
    from prefect.client.orchestration import get_client
    from tasks.alarm_automations import NoSuchBlock, register_alarms
    from tasks.automations import forget_wakings, register_wakings

    if waits := lost(wired):
        raise Refused("\n".join(["nothing was deployed: a changed chain would lose people.", *waits]))
    file = wired.warehouse.home / "prefect" / "prefect.yaml"
    text, broken = _text(wired)
    with get_client(sync_client=True) as client:
        _make_pool(client)
        there = _there(client)
        names = sorted(wanted(text))
        paused = sorted(name for name, one in there.items() if one.paused and name in names)
        returned = sorted(name for name, one in there.items() if one.work_pool_name is None and name in names)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(deployments.paused(text, paused), encoding="utf-8")
        _run("deploy", "--all", "--prefect-file", str(file))
        of = {name: one.id for name, one in _there(client).items() if name in names and name in chains.names()}
    woken, forgotten = register_wakings(of), forget_wakings(chains.names())
    try:
        alarms = register_alarms(os.environ.get("RELANCE_NOTIFY"))
    except NoSuchBlock as error:
        raise Refused(f"everything but the alarms was registered: {error}") from None
    return Deployed(names, broken, sorted(set(there) - set(names) - set(broken)), paused, returned, woken, alarms,
                    forgotten)


def differences(client: Any, wired: Any) -> Difference:
    """How the server's deployments differ from what prefect.yaml and the chains say now."""
    text, broken = _text(wired)
    there, should = _there(client), wanted(text)
    stale = {name: parts for name, one in should.items() if name in there and (parts := _differs(there[name], one))}
    return Difference(sorted(set(should) - set(there)), stale, sorted(set(there) - set(should) - set(broken)),
                      {name: str(one.id) for name, one in sorted(there.items()) if one.paused},
                      sorted(name for name, one in there.items() if name in should and one.work_pool_name is None))


def wanted(text: str) -> dict[str, dict[str, Any]]:
    """The deployments of a prefect.yaml by name."""
    import yaml

    return {one["name"]: one for one in yaml.safe_load(text)["deployments"]}


def forget_missed(client: Any) -> int:
    """Remove the runs that schedules planned for the time when nothing ran, and end those that were cut off.

    A schedule's next run does what they would have done; before it comes, they would all start at once.
    """
    from flows.deployments import POOL
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.states import Crashed

    now, missed = datetime.now(UTC), 0
    while runs := _runs(client, FlowRunFilter(
            state={"type": {"any_": ["SCHEDULED"]}}, deployment_id={"is_null_": False},
            expected_start_time={"before_": now}), lambda run: run.auto_scheduled):
        for run in runs:
            client.delete_flow_run(run.id)
        missed += len(runs)
    for run in _runs(client, FlowRunFilter(state={"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}),
                     lambda run: run.work_pool_name == POOL):
        client.set_flow_run_state(run.id, Crashed(message="Relance was stopped while it ran; the next run does what is due."))
    return missed


def _runs(client: Any, which: Any, also=lambda run: True) -> list[Any]:
    return [run for run in client.read_flow_runs(flow_run_filter=which, limit=200) if also(run)]


def _text(wired: Any) -> tuple[str, dict[str, str]]:
    """prefect.yaml as it should be at this moment, in this house's zone; what is wrong with the chains not in it."""
    from flows import deployments

    if not deployments.FILE.is_file():
        raise Refused(f"there is no {deployments.FILE.name} at the root of the project; deploy from a checkout of it.")
    sound, broken = deployments.sound()
    text = deployments.renewed(deployments.FILE.read_text(encoding="utf-8"), sound, wired.warehouse.house.zone)
    return text, broken


def _make_pool(client: Any) -> None:
    from flows.deployments import POOL
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists
    from prefect.workers.process import ProcessWorker

    try:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", description="Where the chains run.",
                                               base_job_template=ProcessWorker.get_default_base_job_template()))
    except ObjectAlreadyExists:
        pass  # of whatever kind it is: chosen by who made it


def _there(client: Any) -> dict[str, Any]:
    """The deployments of this project that the server has, by name."""
    from flows.deployments import POOL
    from prefect.client.schemas.filters import DeploymentFilter

    ours = DeploymentFilter(tags={"all_": [POOL]})
    return {one.name: one for one in client.read_deployments(deployment_filter=ours, limit=200)}


def _differs(there: Any, should: Mapping[str, Any]) -> list[str]:
    """The names of what is not as it should be in a deployment."""
    from prefect.flows import load_flow_from_entrypoint
    from prefect.utilities.callables import parameter_schema

    form = parameter_schema(load_flow_from_entrypoint(should["entrypoint"])).model_dump(exclude_unset=True)
    wants = {"parameters": {}, **should, "work_pool_name": should["work_pool"]["name"], "parameter_openapi_schema": form}
    wants["description"] = should["description"]
    found = [name for name in _COMPARED if _even(getattr(there, name)) != _even(wants[name])]
    if there.work_pool_name is None:
        found.remove("work_pool_name")
    crons = [(one["cron"], one["timezone"]) for one in should.get("schedules") or []]
    if [(getattr(one.schedule, "cron", None), one.schedule.timezone) for one in there.schedules] != crons:
        found.append("schedule")
    return found


def _even(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def _run(*words: str) -> None:
    """A command of Prefect. Raises Refused with the end of what it said."""
    done = subprocess.run([sys.executable, "-m", "prefect", "--no-prompt", *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise Refused(f"prefect {words[0]} ended with {done.returncode}:\n{done.stdout.strip()[-1500:]}")
