"""A specimen: a message printed as sending prints it, for what is no touch; previews, proofs, copies for seeds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from connectors.base import Connector, Outgoing, Receipt
from marketing import invented
from marketing.graph import Graph, Step
from outbox.rendering import Renderer
from warehouse.seeds import Seed
from warehouse.versions import Version

__all__ = ["Specimen", "hand_over", "invented_row", "to_seed"]


class Specimen(Renderer):
    """The renderer of a step, by a channel, for rows that are no touches: each brings the token that it prints."""

    def __init__(self, wired, graph: Graph, step: Step, channel: str, params: Mapping[str, Any], *, wave: int = 0,
                 copy: str = ""):
        version = Version(0, 0, 0, graph, {}, {step.name: 0})
        super().__init__(wired, version, step, SimpleNamespace(channel=channel, purpose=str(step.purpose)), run="")
        self.copy = copy
        self._params[wave] = dict(params)
        self._wave = wave

    def print(self, rows: Iterable[Mapping[str, Any]], tokens: Iterable[str]) -> list[Outgoing | dict]:
        """By row: what would be handed over, or the refusal `missing_value`."""
        own = {"enrolment_id": self._wave << 36, "visit": 1, "leg": 1}
        made = [{**row, **own, "token": token} for row, token in zip(rows, tokens)]
        return [one for row in made for one in self.outgoing(pa.Table.from_pylist([row]), True)]

    def _seal(self, columns: dict[str, list]) -> list[str]:
        return columns.pop("token")

    def _tagged(self, wave: int, visit: int, leg: int) -> dict[str, str]:
        tags = super()._tagged(wave, visit, leg)
        return tags | {"copy": self.copy} if self.copy else tags


def hand_over(connector: Connector, messages: Sequence[Outgoing], now: datetime) -> list[Receipt]:
    """Give messages that are no touches to a connector, as many in a call as it takes; one receipt each, in order."""
    most = connector.capabilities().max_batch
    return [receipt for first in range(0, len(messages), most) for receipt in connector.send(messages[first:first + most], now)]


def invented_row(columns: pa.Schema, variables: frozenset[str], language: str, channel: str, zone: str,
                 as_of: datetime) -> dict[str, Any]:
    """The row of a contact that nobody is: what a message by a channel takes of `columns`, in a language."""
    person = invented.person(language)
    own = {field.name: invented.value(field.name, _kind(field.type), as_of)
           for field in columns if field.name in variables and field.name not in person}
    row = {"contact_id": 0, **person, **own, "language": language, "zone": zone}
    return row | {"address": _address(row, channel)}


def to_seed(row: Mapping[str, Any], seed: Seed, channel: str) -> dict[str, Any]:
    """The row as it goes to a seed: whatever says where a message goes is the seed's own, so that none can go to another.

    By post that is the name too: it stands in the window of the envelope.
    """
    post = seed.addresses.get("post") or {}
    own = {name: post.get(name) for name in ("address_1", "address_2", "postcode", "city", "country")}
    own |= {"email": seed.addresses.get("email"), "phone": seed.addresses.get("phone")}
    if channel == "post":
        own |= {"first_name": None, "last_name": seed.name}
    return {**row, **own, "contact_id": 0, "client_id": None, "address": seed.address(channel)}


def _address(row: Mapping[str, Any], channel: str) -> str:
    if channel == "email":
        return row["email"]
    if channel == "post":
        return f"{row['first_name']} {row['last_name']}\n{row['address_1']}\n{row['postcode']} {row['city']}\n{row['country']}"
    return row["phone"]


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "truth"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    return "instant" if pa.types.is_temporal(kind) else "text"
