"""Examine: would a send by a connector work now, and what to do where it would not. Sends nothing, stops nothing."""

from dataclasses import dataclass
from typing import Any

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext

from connectors.base import Connector, ErrorKind, Health
from marketing.house import MissingSecret
from outbox.wired import Wired
from tasks.blocks import BlockError
from warehouse.stops import stops

__all__ = ["STEPS", "Examined", "examine", "publish"]

#: What to do about each kind of error; {where} is where the settings of the connector stand.
STEPS = {
    ErrorKind.CONFIG: "correct the login, the sender or the address of the provider in {where}",
    ErrorKind.CREDIT: "pay in at the provider",
    ErrorKind.QUOTA: "wait until the provider's allowance is renewed, or have it raised",
    ErrorKind.RATE: "wait, and lower the rate in {where}",
    ErrorKind.NETWORK: "see that the provider's address in {where} is right, and that this machine may reach it",
    ErrorKind.PROVIDER: "wait, then ask the provider",
    ErrorKind.POLICY: "ask the provider for leave to send as {where} says",
}
#: Where the kind of error is not known, the problem itself names what to mend.
STEP = "mend in {where} what is named"
#: Errors of these packages are sentences, and never hold a secret.
_OURS = ("connectors", "flows", "marketing", "tasks")


@dataclass(frozen=True)
class Examined:
    """What was found of one connector; the texts are for people, and hold no secret."""

    connector: str
    kind: str
    block: str | None
    channels: list[str]
    healthy: bool
    credentials: str
    sender: str
    quota: str
    stopped: str | None
    problems: list[str]
    todo: list[str]


@task(cache_policy=NO_CACHE)
def examine(wired: Wired, name: str) -> Examined:
    """What a send by the connector `name` of house.toml would meet; never raises for what is wrong with it."""
    house, stopped = wired.warehouse.house, stops(wired.warehouse.ledger).get(name)
    connector, health = _health(wired, name)
    rate = connector.capabilities().rate if connector else None
    texts = [health.credentials, health.sender, health.quota or (f"{rate:g} a second at most" if rate else ""), stopped or ""]
    credentials, sender, quota, stopped = (_masked(connector, text) for text in texts)
    return Examined(
        name, house.connectors[name]["kind"], house.block(name), _channels(wired, name), health.ok and not stopped, credentials,
        sender, quota, stopped or None, [_masked(connector, problem) for problem in health.problems],
        _todo(wired, name, health, stopped))


@task(cache_policy=NO_CACHE)
def publish(found: list[Examined], banner: str = "") -> None:
    """Publish what was found as a table, below `banner`; outside a flow run there is nowhere to publish it."""
    if FlowRunContext.get() is not None:
        create_table_artifact([
            {"Connector": one.connector, "Channels": ", ".join(one.channels) or "none", "Kind": one.kind,
             "Healthy": "yes" if one.healthy else "no", "Login": one.credentials, "Sender": one.sender, "Quota": one.quota,
             "Problem": "; ".join([*one.problems, *([f"stopped: {one.stopped}"] if one.stopped else [])]),
             "What to do": "; ".join(one.todo)} for one in found
        ], key="connectors", description=" ".join(filter(None, [
            banner and f"**{banner}.**", "Whether a send would work now, connector by connector."])))


def _channels(wired: Wired, name: str) -> list[str]:
    return sorted(channel for channel, by in wired.warehouse.house.channels.items() if by == name)


def _health(wired: Wired, name: str) -> tuple[Connector | None, Health]:
    connector = None
    try:
        connector = wired.connectors[name]
        return connector, connector.check()
    except Exception as error:
        if isinstance(error, BlockError):
            return connector, Health(False, (error.said,), advice=error.todo)
        ours = type(error).__module__.partition(".")[0] in _OURS or isinstance(error, ImportError)
        verb = "be examined" if connector else "be made"
        advice = "set the variable wherever Relance runs, the worker included" if isinstance(error, MissingSecret) else ""
        return connector, Health(False, (str(error) if ours else f"it cannot {verb} ({type(error).__name__})",), advice=advice)
    finally:
        if connector is not None:
            connector.close()


def _todo(wired: Wired, name: str, health: Health, stopped: str) -> list[str]:
    block, kind = wired.warehouse.house.block(name), wired.warehouse.house.connectors[name]["kind"]
    where = f"[connectors.{name}] of house.toml" + (f" or the Block relance-{kind}/{block}" if block else "")
    steps = []
    if not health.ok:
        steps = [health.advice or STEPS.get(health.error, STEP).format(where=where), f"relance connectors check {name}"]
    return [*steps, f"relance send {name} --resume"] if stopped else steps


def _masked(connector: Any, text: str) -> str:
    """A text in which the connector's secrets, should a provider repeat them, cannot be read."""
    for value in vars(connector.settings).values() if connector else ():
        if hasattr(value, "get_secret_value") and (secret := str(value.get_secret_value())):
            text = text.replace(secret, "********")
    return text
