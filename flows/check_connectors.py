"""Connectors: whether a send would work now, by each connector of the house; fails where one needs somebody."""

from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows import names, wiring
from flows.recipe import do
from flows.send import NoSuchConnector
from marketing.form import titled
from tasks import recording
from tasks.examine import Examined, examine, publish
from tasks.opening import Wired

__all__ = ["check", "connectors", "looked_at"]


def looked_at(wired: Wired, connector: str | None = None) -> list[Examined]:
    """What was found of one connector, or of each of the installation, in its order. Raises NoSuchConnector."""
    names = list(wired.connectors)
    if connector is not None and connector not in names:
        raise NoSuchConnector(f"there is no connector {connector!r}; connectors: {', '.join(sorted(names))}")
    return [do(examine, wired, name, name=f"examine {name}") for name in ([connector] if connector else names)]


def check(wired: Wired, connector: str | None = None, *, run: str, run_name: str | None = None,
          starter: str | None = None) -> list[Examined]:
    """Look at the connectors, and keep the run and what it found. Raises NoSuchConnector."""
    with recording.recorded(wired, "connectors", run, name=run_name, params={"connector": connector}, by=starter) as summary:
        found = looked_at(wired, connector)
        summary.update({one.connector: "healthy" if one.healthy else "unhealthy" for one in found})
    do(publish, found, wired.warehouse.house.banner)
    return found


@flow(name="connectors", flow_run_name=names.at_start, persist_result=False)
def connectors(connector: Annotated[str | None, titled("Connector")] = None) -> Any:
    """Look whether a send would work now: login, sender, quota, and what to do where it would not. Sends nothing.

    Args:
        connector: Look at this one alone, named as in house.toml; empty: at all of them.
    """
    found = check(wiring.wired(every=True), connector, run=str(flow_run.id), run_name=flow_run.name,
                  starter=recording.starter())
    ill = [one for one in found if not one.healthy]
    said = " ".join(f"{one.connector}: {'; '.join(one.problems) or f'stopped: {one.stopped}'}. What to do: "
                    f"{'; '.join(one.todo)}." for one in ill)
    if ill:
        return Failed(message=said, data=found)
    return Completed(message=f"Healthy: {', '.join(one.connector for one in found)}.", data=found)
