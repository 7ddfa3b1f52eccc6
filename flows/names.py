"""What a flow run is called from its start, so that an idle, a failed and a house's own run can be told apart too."""

from prefect.context import FlowRunContext
from prefect.logging import get_logger

from flows import wiring
from tasks import naming

__all__ = ["at_start"]


def at_start() -> str:
    """The name that the run of this context has, where somebody gave it one, else its flow and its moment.

    Prefect asks before the run begins (`flow_run_name`). An installation that cannot be read changes no name: the run
    itself says better what is wrong.
    """
    context = FlowRunContext.get()
    try:
        return naming.opening(wiring.wired(), context.flow.name, str(context.flow_run.id), context.flow_run.name)
    except Exception as error:  # whatever settings can be wrong in
        get_logger("relance.naming").debug("the run keeps its name: %s", error)
        return context.flow_run.name
