"""What an approval binds: a wave goes out with the messages that somebody has read, or waits until they are back."""

from collections.abc import Collection

from connectors.message import MissingMessage
from marketing.graph import Graph, Step
from outbox.wired import Wired
from warehouse import approving
from warehouse.versions import Version

__all__ = ["digests", "unbound"]


def digests(wired: Wired, graph: Graph) -> dict[str, str]:
    """The digest of every message of a chain, by "step.channel.language"; "" where one is missing."""
    return {name: digest for step in graph.sends for channel in step.channels
            for name, digest in _of(wired, graph, step, channel).items()}


def unbound(wired: Wired, version: Version, step: Step, channel: str, waves: Collection[int]) -> frozenset[int]:
    """Those of the waves that were approved with another message than this step now has on a channel."""
    approved = approving.bound(wired.warehouse.ledger, list(waves))
    if not approved:
        return frozenset()
    now = _of(wired, version.graph, step, channel)
    held = frozenset(wave for wave, read in approved.items() if any(read.get(name) != digest for name, digest in now.items()))
    for wave in approved:
        approving.mark_unbound(wired.warehouse.ledger, wave, step.name, wave in held)
    return held


def _of(wired: Wired, graph: Graph, step: Step, channel: str) -> dict[str, str]:
    name = (graph.chain, step.message, channel)
    found = {}
    for language in wired.messages.languages(*name) or ("",):
        try:
            found[f"{step.name}.{channel}.{language}"] = wired.messages.get(*name, language).digest
        except MissingMessage:
            found[f"{step.name}.{channel}.{language}"] = ""
    return found
