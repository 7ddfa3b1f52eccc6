"""Preview: one step's message as one contact would get it, printed by the code that sends; nothing is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.paper import pages_of, pdf
from marketing.behaviour import Answered
from marketing.chain import Chain
from marketing.channels import EMAIL, PHONE, POST, SMS
from marketing.gate import known_zone, next_open
from marketing.graph import Graph, Step, compile
from marketing.path import Stage, walk
from marketing.sms import Measure, measure
from marketing.touch import PREVIEW
from outbox.specimen import Specimen, invented_row
from warehouse.previewing import attributes, audiences_of, rep_of, row_of

__all__ = ["NoSuchStep", "Preview", "Specimens", "every", "invented", "path", "preview", "shown", "specimens"]

#: The token of a preview: no touch has it, so that a click on its links is nobody's.
TOKEN = f"{PREVIEW}only"


class NoSuchStep(LookupError):
    """A chain has no Send of that name, or the Send has not that channel."""


@dataclass(frozen=True)
class Preview:
    """One message as it would be handed over; `contact` is None where it was made for an invented one.

    `refused` is what has no value where the message would not leave: then there is no content. `cost` is the house's,
    per message, by SMS per segment; None where no cost is stated.
    """

    chain: str
    step: str
    channel: str
    purpose: str
    contact: int | None
    language: str
    message: str
    digest: str
    address: str
    content: Mapping[str, str]
    refused: str | None = None
    sms: Measure | None = None
    pages: int | None = None
    cost: Decimal | None = None

    def files(self) -> dict[str, bytes]:
        """The message as files by the end of their name: e-mail .html and .txt, letter .pdf and .html, else text."""
        content, head = self.content, f"Subject: {self.content.get('subject')}\nFrom: {self.content.get('sender')}\n\n"
        if self.refused:
            return {}
        if self.channel == EMAIL:
            return {".html": content["html"].encode(), ".txt": f"{head}{content['text']}".encode()}
        if self.channel == POST:
            return {".pdf": pdf(content["html"]), ".html": content["html"].encode()}
        title = f"{content['title']}\n\n" if content.get("title") else ""
        end = {SMS: ".sms.txt", PHONE: ".call.txt"}.get(self.channel, f".{self.channel}.txt")
        return {end: f"{title}{content.get('script') or content.get('text', '')}\n".encode()}


@dataclass(frozen=True)
class Specimens:
    """A step's message ready to be printed for one row, and that row: what previews and proofs have in common."""

    graph: Graph
    step: Step
    channel: str
    params: Mapping[str, Any]
    row: Mapping[str, Any]
    contact: int | None


def preview(wired, chain: Chain, step: str, contact: int, params: Mapping[str, Any] | None = None, language: str | None = None,
            *, channel: str | None = None, queries: Mapping[str, str] | None = None) -> Preview:
    """The message of a Send as a real contact (by the number given at load) would get it.

    `params` of the wave, the chain's defaults for the rest; `language` instead of the contact's own; `channel` where the Send
    has several (else its first); `queries` of the chain by name, to know who would ring. Raises NoSuchStep, MissingMessage.
    """
    return shown(wired, specimens(wired, chain, step, contact, params, language, channel=channel, queries=queries))


def invented(wired, chain: Chain, step: str, params: Mapping[str, Any] | None = None, language: str | None = None, *,
             channel: str | None = None) -> Preview:
    """The same for a contact that nobody is, in a language (the house's unless given): it shows no personal data."""
    return shown(wired, specimens(wired, chain, step, None, params, language, channel=channel))


def every(wired, chain: Chain, params: Mapping[str, Any] | None = None, language: str | None = None) -> list[Preview]:
    """All that a wave would say, for an invented contact: each Send by each of its channels, in written order."""
    return [invented(wired, chain, step.name, params, language, channel=channel)
            for step in compile(chain).sends for channel in step.channels]


def specimens(wired, chain: Chain, step: str, contact: int | None, params: Mapping[str, Any] | None = None,
              language: str | None = None, *, channel: str | None = None, queries: Mapping[str, str] | None = None) -> Specimens:
    """What there is to print: the contact's row, or, for None, an invented one's. Raises NoSuchStep."""
    graph = compile(chain)
    found, channel = _send(graph, step, channel)
    values = chain.params(**(params or {})).model_dump(mode="json")
    variables = Specimen(wired, graph, found, channel, values).variables()
    warehouse, as_of = wired.warehouse, wired.warehouse.clock.now()
    with warehouse.snapshot() as snapshot:
        if contact is None:
            row = invented_row(attributes(snapshot), variables, language or warehouse.house.language, channel,
                               warehouse.house.zone, as_of)
        else:
            rep = rep_of(snapshot, graph, contact, queries or {}, as_of) if "rep" in variables else None
            row = row_of(snapshot, contact, channel, variables, rep)
    return Specimens(graph, found, channel, values, {**row, "language": language or row["language"]}, contact)


def shown(wired, of: Specimens) -> Preview:
    """Print a specimen, and measure it."""
    house = wired.warehouse.house
    language = of.row["language"] or house.language
    message = wired.messages.get(of.graph.chain, of.step.message, of.channel, language)
    (made,) = Specimen(wired, of.graph, of.step, of.channel, of.params).print([of.row], [TOKEN])
    refused = made["value"] if isinstance(made, dict) else None
    content = {} if refused else dict(made.content)
    measured = measure(content["text"]) if of.channel == SMS and content else None
    cost = house.costs.get(of.channel)
    return Preview(
        of.graph.chain, of.step.name, of.channel, str(of.step.purpose), of.contact, language, message.label, message.digest,
        of.row["address"] or "", content, refused, measured,
        pages_of(content["html"]) if of.channel == POST and content else None,
        cost if cost is None else cost * (measured.segments if measured else 1))


def path(wired, chain: Chain, contact: int | None, answers: Sequence[Answered], params: Mapping[str, Any] | None = None, *,
         queries: Mapping[str, str]) -> list[Stage]:
    """The stages, with dates, of a contact who enters now and answers so: by the hours of the policy, the arrival times of the
    connectors, and the audiences of Splits as they are today. An invented contact (None) is in no audience of a Split."""
    warehouse, graph = wired.warehouse, compile(chain)
    house, policy, now = warehouse.house, warehouse.policy, warehouse.clock.now()
    asked = {name for step in graph.steps for name in step.audiences}
    zone, inside = house.zone, frozenset()
    if contact is not None:
        values = chain.params(**(params or {})).model_dump(mode="json")
        with warehouse.snapshot() as snapshot:
            zone = known_zone(row_of(snapshot, contact, EMAIL, frozenset(), None)["zone"], house.zone)
            inside = audiences_of(snapshot, contact, queries, asked, values, now)
    channels = {channel for step in graph.sends for channel in step.channels} & set(house.channels)
    latency = {channel: wired.connectors[house.channels[channel]].capabilities().latency for channel in channels}
    return walk(graph, now, answers, zone=house.zone, contact_id=contact or 0, audiences=inside, latency=latency,
                opens=lambda channel, at: next_open(at, policy.hours.get(channel, ()), zone, policy.country))


def _send(graph: Graph, name: str, channel: str | None) -> tuple[Step, str]:
    """The Send of that name, and the channel asked for, else its first."""
    found = next((step for step in graph.sends if step.name == name), None)
    if found is None:
        raise NoSuchStep(f"{graph.chain} sends nothing at {name!r}; accepted: {', '.join(step.name for step in graph.sends)}")
    if channel is not None and channel not in found.channels:
        raise NoSuchStep(f"{graph.chain}, {name}: nothing goes by {channel!r}; accepted: {', '.join(found.channels)}")
    return found, channel or found.channels[0]

