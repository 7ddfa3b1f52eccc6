"""Alarm automations as data: what happens when an alarm is raised, or a run of ours fails; made once by name."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from prefect.automations import AutomationCore, DoNothing, EventTrigger, Posture, SendNotification
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound

from marketing.alarms import KINDS

__all__ = ["NoSuchBlock", "named", "register_alarms", "wanted"]

#: The event of an alarm is this and its kind.
EVENT = "relance.alarm."
_ALARM_TEXT = ("{{ event.payload.meaning }}.\n\n{{ event.resource.name }}: {{ event.payload.value }} (limit "
               "{{ event.payload.limit }}).\n\nWhat to do: {{ event.payload.advice }}.")
_RUN_TEXT = ("The flow run {{ flow_run.name }} of {{ flow.name }} ended as {{ flow_run.state.name }}.\n\n"
             "{{ flow_run|ui_url or flow_run.id }}\n\nNothing is lost: the next run does what is due.")


class NoSuchBlock(LookupError):
    """There is no notification Block of that type and name."""


def named(kind: str) -> str:
    """The name of the automation of an alarm's kind."""
    return f"Alarm: {kind.replace('_', ' ')}"


def wanted(notify: UUID | None) -> Iterator[AutomationCore]:
    """Every automation: one for each kind of alarm, and one for runs that failed or crashed.

    notify: the notification Block that is written to; without one the automation only leaves its mark among the events.
    """
    for kind, (meaning, _) in KINDS.items():
        yield _automation(named(kind), f"{meaning}.", f"Relance: {kind.replace('_', ' ')} of {{{{ event.resource.name }}}}",
                          _ALARM_TEXT, notify, expect={EVENT + kind}, match={"prefect.resource.id": "relance.*"})
    yield _automation("Alarm: a run failed or crashed", "A flow run that was deployed from here failed, or died.",
                      "Relance: {{ flow.name }} ended as {{ flow_run.state.name }}", _RUN_TEXT, notify,
                      expect={"prefect.flow-run.Failed", "prefect.flow-run.Crashed"},
                      match={"prefect.resource.id": "prefect.flow-run.*"},
                      match_related={"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.relance"})


def register_alarms(notify: str | None = None) -> list[str]:
    """Make the automations, or bring them up to date; returns the names of those that are new.

    notify: "type/name" of a notification Block, such as "slack-webhook/marketing". Known by their names; one that
    somebody has switched off stays so. Raises NoSuchBlock.
    """
    new = []
    with get_client(sync_client=True) as client:
        for made in wanted(_block(client, notify) if notify else None):
            there = client.read_automations_by_name(made.name)
            if not there:
                client.create_automation(made)
                new.append(made.name)
            for one in there:
                client.update_automation(one.id, made.model_copy(update={"enabled": one.enabled}))
    return new


def _automation(name: str, description: str, subject: str, body: str, notify: UUID | None, **trigger) -> AutomationCore:
    action = SendNotification(block_document_id=notify, subject=subject, body=body) if notify else DoNothing()
    # Within no time at all: in any longer one Prefect fires for the first event and forgets the others.
    return AutomationCore(
        name=name, description=description, enabled=True, tags=["relance"], actions=[action],
        trigger=EventTrigger(posture=Posture.Reactive, threshold=1, within=timedelta(0), **trigger))


def _block(client: SyncPrefectClient, notify: str) -> UUID:
    kind, _, name = notify.partition("/")
    try:
        return client.read_block_document_by_name(name, kind).id
    except ObjectNotFound:
        raise NoSuchBlock(f"RELANCE_NOTIFY names {notify!r}; accepted: type/name of a notification Block, such as "
                          "slack-webhook/marketing, which is made in the browser under Blocks.") from None
