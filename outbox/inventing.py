"""Messages as somebody invented would get them: printed by the code that sends, before anybody is written to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from connectors.message import FIELDS, BadTemplate, Message, MissingMessage, MissingValue, RenderFailed
from marketing.chain import Chain
from marketing.graph import Graph, Step
from marketing.invented import person
from outbox.rendering import house_words, tagging_of, unsubscribe_link

__all__ = ["Printed", "invented", "messages_of", "printed"]

#: As long as a token is.
KEY = "0" * 37


@dataclass(frozen=True)
class Printed:
    """One file of a message: `message` ready to print, its `content` for the invented contact, or what forbids it.

    `language` is "" for the file that serves all languages; `missing` names the variable that nobody has.
    """

    step: Step
    channel: str
    language: str
    message: Message | None = None
    content: Mapping[str, str] = field(default_factory=dict)
    row: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    missing: str | None = None


def messages_of(wired, graph: Graph) -> Iterator[tuple[Step, str, str]]:
    """(Send, channel, language) of every file that the chain can send from; the house's language even where no file has it."""
    house = wired.warehouse.house.language
    for step in graph.sends:
        for channel in step.channels:
            languages = wired.messages.languages(graph.chain, step.message, channel)
            for language in languages if {"", house} & {*languages} else (*languages, house):
                yield step, channel, language


def printed(wired, chain: Chain, graph: Graph, params: Mapping[str, Any], columns: pa.Schema) -> list[Printed]:
    """Every message of a chain in every language there is, for a contact with something in each of the columns."""
    assigned = any(step.kind == "assign" for step in graph.steps)
    return [_print(wired, chain, params, Printed(step, channel, language, row=invented(wired, columns, language, assigned)))
            for step, channel, language in messages_of(wired, graph)]


def invented(wired, columns: pa.Schema, language: str = "", assigned: bool = False) -> dict[str, Any]:
    """The row of a contact who is nobody; with a rep where the chain assigns one."""
    house = wired.warehouse.house
    somebody = person(language or house.language)
    row = {column.name: somebody.get(column.name) or _made(column.type) for column in columns}
    return row | {"contact_id": 0, "language": language or house.language, "zone": house.zone, "key": KEY,
                  "unsubscribe_url": unsubscribe_link(house) + KEY, "rep": "camille_exemple" if assigned else None}


def _print(wired, chain: Chain, params: Mapping[str, Any], one: Printed) -> Printed:
    house, place = wired.warehouse.house, (one.step, one.channel, one.language)
    if one.channel not in FIELDS:
        return Printed(*place)  # nothing is written: an entry for a platform, a request
    try:
        found = wired.messages.get(chain.name, one.step.message, one.channel, one.language)
        tagging = tagging_of(house, chain=chain.name, step=one.step.name, wave=0, channel=one.channel)
        message = found.bind({"params": dict(params), "house": house_words(house)}, tagging)
    except (BadTemplate, MissingMessage) as error:
        return Printed(*place, error=str(error))
    try:
        return Printed(*place, message, message.render(one.row), one.row)
    except MissingValue as error:
        return Printed(*place, message, row=one.row, missing=error.variable)
    except RenderFailed as error:
        return Printed(*place, message, row=one.row, error=error.reason)


def _made(kind: pa.DataType) -> Any:
    """A value of a column's type."""
    if pa.types.is_boolean(kind):
        return True
    if pa.types.is_timestamp(kind):
        return datetime(2026, 1, 5, 9)
    if pa.types.is_date(kind):
        return date(2026, 1, 5)
    if pa.types.is_decimal(kind):
        return Decimal(10)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return 1
    return "exemple"
