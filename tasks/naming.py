"""Naming: a run that nobody named is called by its flow and its moment, and by its wave once somebody has entered."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.logging import get_logger
from prefect.utilities.names import coolname  # what Prefect's server draws names by, two words each

from marketing.naming import FORM, Words, drawn, marked, run_name
from marketing.summary import Summary
from outbox.wired import Wired
from warehouse import runs
from warehouse.versions import Version

__all__ = ["name_run", "opening", "words"]

#: The names that runs of this process began with, where nobody had named them.
_opened: set[str] = set()


@cache
def words() -> list[Words]:
    """The words that Prefect draws names from, on its server and in its form."""
    config = coolname.loader.load_config(f"{coolname.__path__[0]}/data")
    pairs = [config[pair]["lists"] for pair in config["2"]["lists"]]
    return [FORM, *((frozenset(_of(config, first)), frozenset(_of(config, second))) for first, second in pairs)]


def opening(wired: Wired, flow: str, run: str, name: str) -> str:
    """The name of a run from its start: its own where somebody gave it one, else one that tells what runs, and since when;
    the environment stands in either."""
    house = wired.warehouse.house
    if not drawn(name, run, words()):
        return marked(name, house.environment)
    told = run_name(flow, wired.warehouse.clock.now(), house.zone, environment=house.environment)
    _opened.add(told)
    return told


def name_run(wired: Wired, version: Version, summary: Summary, name: str) -> str:
    """The name of the run from here on: its own where somebody gave it one, else one that tells what it was.

    One call to the server, and none where the name stays, as that of an idle pass does. A server that cannot be asked
    changes no name.
    """
    context, house = FlowRunContext.get(), wired.warehouse.house
    try:
        if name not in _opened and not drawn(name, summary.run, words()):
            return name
        waves = [] if summary.rehearsed else runs.waves(wired.warehouse.ledger, summary.run, version.chain)
        told = run_name(summary.chain, summary.as_of, house.zone, waves=waves, rehearsed=summary.rehearsed,
                        environment=house.environment)
        if context is not None and told != name:
            with get_client(sync_client=True) as client:
                client.set_flow_run_name(context.flow_run.id, told).raise_for_status()
            context.flow_run.name = told
    except Exception as error:  # whatever a server can answer: a name is worth no failed run
        get_logger("relance.naming").warning("the run keeps the name %s: %s", name, error)
        return name
    return told


def _of(config: Mapping[str, Any], name: str) -> Iterator[str]:
    """The words of a list, and of those that it is made of."""
    yield from config[name].get("words", ())
    for inner in config[name].get("lists", ()):
        yield from _of(config, inner)
