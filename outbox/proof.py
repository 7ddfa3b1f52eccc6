"""Proof: a message sent to people of the house, marked as a test; it is no touch, and leaves no trace but the journal's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from connectors.base import Connector, Outcome
from marketing.touch import PROOF
from outbox.preview import Specimens
from outbox.specimen import Specimen, hand_over, to_seed
from warehouse import journal
from warehouse.seeds import Seed
from warehouse.stops import ordered, stopped

__all__ = ["MARK", "NoProof", "Proven", "marked", "proof"]

MARK = "[TEST] "
#: What a message of any channel opens with, where it has it.
_OPENS = ("subject", "title")


class NoProof(Exception):
    """No proof can be sent: nothing serves the channel, its connector is stopped, or the message has no value to print."""


@dataclass(frozen=True)
class Proven:
    """What became of one proof: an outcome of the connector, or no_address. `seed` is a number of the seed list."""

    seed: int
    name: str
    outcome: str
    why: str = ""

    @property
    def sent(self) -> bool:
        return self.outcome in (Outcome.ACCEPTED, Outcome.DUPLICATE)


def proof(wired, of: Specimens, people: Sequence[Seed], *, who: journal.Who, name: str) -> list[Proven]:
    """Send a message to these people by the channel's own connector, and journal it; returns what became of each.

    `name` tells this proof from any other: a connector that makes none twice makes a proof anew each time. No row but the
    journal's is written, so a proof has no place in the connector's pace: it goes at once. Raises NoProof, ConnectorDown.
    """
    connector = _connector(wired, of.channel)
    reached = [one for one in people if one.address(of.channel)]
    printer = Specimen(wired, of.graph, of.step, of.channel, of.params, copy="proof")
    made = printer.print([to_seed(of.row, one, of.channel) for one in reached], [f"{PROOF}{name}-{one.id}" for one in reached])
    refused = next((one["value"] for one in made if isinstance(one, dict)), None)
    if refused is not None:
        raise NoProof(f"{of.graph.chain}, {of.step.name}: {refused!r} has no value, so this message would not leave; "
                      f"load one, or give the message a fall-back: {{{{ {refused} or '…' }}}}")
    now = wired.warehouse.clock.now()
    receipts = hand_over(connector, [replace(one, content=marked(one.content, of.channel)) for one in made], now)
    came = {one.id: Proven(one.id, one.name, str(receipt.outcome), receipt.detail or receipt.code or "")
            for one, receipt in zip(reached, receipts)}
    journal.note(wired.warehouse.ledger, who, "proof", {
        "chain": of.graph.chain, "step": of.step.name, "channel": of.channel, "contact": of.contact,
        "seeds": [one.id for one in reached], "sent": sum(one.sent for one in came.values())}, now=now)
    return [came.get(one.id) or Proven(one.id, one.name, "no_address", f"no address for {of.channel}") for one in people]


def marked(content: Mapping[str, str], channel: str) -> dict[str, str]:
    """The content with [TEST] where a reader sees it first: the subject, the title, the text, the top of the letter."""
    opens = {name: f"{MARK}{content[name]}" for name in _OPENS if content.get(name)}
    if channel == "email":
        return {**content, **opens}
    opens |= {name: f"{MARK}{content[name]}" for name in ("text", "script") if name in content}
    if "html" in content:
        top = f'<p style="position:absolute;top:4mm;left:0;right:0;margin:0;text-align:center">{MARK.strip()}</p>'
        page, bodies = re.subn(r"<body\b[^>]*>", lambda tag: tag[0] + top, content["html"], count=1, flags=re.IGNORECASE)
        opens["html"] = page if bodies else top + page
    return {**content, **opens}


def _connector(wired, channel: str) -> Connector:
    house = wired.warehouse.house
    name = house.channels.get(channel)
    if name is None:
        raise NoProof(f"nothing serves the channel {channel!r}; house.toml has {', '.join(house.channels)} in [channels]")
    why = stopped(wired.warehouse.ledger, name)
    if why:
        raise NoProof(f"connector {name!r} is stopped: {why}. Mend it, then: relance send {name} --resume")
    _hold_ordered(wired, name)
    return wired.connectors[name]


def _hold_ordered(wired, connector: str) -> None:
    """A stop of everything or of the connector holds proofs too; of a chain, wave or step it does not: a proof shows how it
    would read once it is mended."""
    for one in ordered(wired.warehouse.ledger):
        if one.scope == "all" or (one.scope, one.name) == ("connector", connector):
            raise NoProof(one.told(wired.warehouse.house.zone))
