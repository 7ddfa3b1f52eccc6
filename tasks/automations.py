"""Automations as data: an event that concerns a chain starts a run of the chain's deployment."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from uuid import UUID

from prefect.automations import AutomationCore, EventTrigger, Posture, RunDeployment
from prefect.client.orchestration import get_client
from prefect.events.filters import AutomationFilter, AutomationFilterTags
from prefect.events.schemas.automations import Automation

from tasks.wake import HANDED_OVER, HEARD, resource

__all__ = ["forget_wakings", "named", "register_wakings", "waking"]

#: The tag of every automation that is made from here.
OURS = "relance"


def named(chain: str) -> str:
    """The name of the automation that wakes a chain."""
    return f"Wake {chain}"


def waking(chain: str, deployment: UUID) -> AutomationCore:
    """The automation that starts a run, with the deployment's own parameters, for each event that concerns the chain.

    Within no time at all: in any longer one Prefect fires for the first event and forgets the others.
    """
    return AutomationCore(
        name=named(chain), enabled=True, tags=[OURS],
        description=f"A response that waits for an answer, or a hand-over, has {chain} passed at once. Without it the "
                    "schedule does the same, later.",
        trigger=EventTrigger(type="event", expect={HEARD, HANDED_OVER}, match={"prefect.resource.id": resource(chain)},
                             posture=Posture.Reactive, threshold=1, within=timedelta(0)),
        actions=[RunDeployment(type="run-deployment", source="selected", deployment_id=deployment)])


def register_wakings(deployments: Mapping[str, UUID]) -> list[str]:
    """Make an automation for each chain (name to deployment), or bring it up to date; returns the chains it is new for.

    Known by its name; one that somebody has switched off stays so.
    """
    new = []
    with get_client(sync_client=True) as client:
        for chain, deployment in sorted(deployments.items()):
            made, there = waking(chain, deployment), client.read_automations_by_name(named(chain))
            if not there:
                client.create_automation(made)
                new.append(chain)
            for one in there:
                client.update_automation(one.id, made.model_copy(update={"enabled": one.enabled}))
    return new


def forget_wakings(chains: Collection[str]) -> list[str]:
    """Delete the automations of chains that are not among `chains` any more; returns those chains.

    An automation is a chain's when it has our tag, the name that we give, and that chain's events: whatever else somebody
    has made, also out of one of ours and under a name of their own, stays.
    """
    with get_client(sync_client=True) as client:
        ours = client.read_automations(automations=AutomationFilter(tags=AutomationFilterTags(all_=[OURS])), limit=200)
        gone = {one.id: chain for one in ours if (chain := _woken_by(one)) is not None and chain not in chains}
        for automation in gone:
            client.delete_automation(automation)
    return sorted(set(gone.values()))


def _woken_by(one: Automation) -> str | None:
    """The chain that an automation of ours wakes; None for any other automation."""
    chain, events = one.name.removeprefix(named("")), getattr(one.trigger, "match", None)
    ours = one.name == named(chain) and events is not None and events.root == {"prefect.resource.id": resource(chain)}
    return chain if ours else None
