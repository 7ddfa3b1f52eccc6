"""Render: one message per touch of a batch, in the contact's language, from the wave's parameters."""

import json

import pyarrow as pa
import sqlalchemy as sa

from connectors.base import Outgoing
from connectors.message import MissingMessage, RenderFailed
from connectors.tagging import Tagging
from marketing.house import House
from marketing.touch import seal_all, wave_of
from warehouse import schema

__all__ = ["Renderer", "house_words", "tagging_of", "unsubscribe_link"]

_IDENTITY = ("enrolment_id", "visit", "leg")
#: What is handed over beside the content.
_PERSON = ("contact_id", "address", "language", "zone")


def house_words(house: House) -> dict:
    """What messages may say of the house."""
    return house.model_dump(mode="json", include={"name", "language", "country", "zone", "currency", "urls"})


def unsubscribe_link(house: House) -> str:
    """What the token of a touch is put after, as a word of its own, to be its address for unsubscribing."""
    link = house.urls.get("unsubscribe", "https://unsubscribe.invalid/")
    return link if link.endswith(("/", "=")) else f"{link}/"


def tagging_of(house: House, *, chain: str, step: str, wave: int, channel: str) -> Tagging | None:
    """The campaign tags of a message; None where the house has none for its channel."""
    campaign = house.campaign
    if campaign is None or channel not in campaign.channels:
        return None
    tags = campaign.told(chain=chain, step=step, wave=wave, channel=channel)
    return Tagging(tuple(tags.items()), tuple(campaign.domains), (unsubscribe_link(house),))


class Renderer:
    """Turns the rows of one step into what a connector takes; a row that cannot be rendered is said, not raised."""

    def __init__(self, wired, version, step, touches, run: str):
        self.wired, self.version, self.step, self.touches, self.run = wired, version, step, touches, run
        self.house = wired.warehouse.house
        self.words, self.link = house_words(self.house), unsubscribe_link(self.house)
        self.step_no = version.step_numbers[step.name]
        self._params: dict[int, dict] = {}
        self._messages: dict = {}
        self._tags: dict[tuple[int, int, int], dict[str, str]] = {}

    def variables(self) -> frozenset[str]:
        """What the message takes of a row, in any of its languages."""
        name = (self.version.name, self.step.message, self.touches.channel)
        languages = self.wired.messages.languages(*name) or (self.house.language,)
        return frozenset().union(*(self.wired.messages.get(*name, language).variables for language in languages))

    def outgoing(self, rows: pa.Table, needed: bool) -> list[Outgoing | dict]:
        """By row: what to hand over, or the refusal `missing_value` where the message cannot be printed."""
        columns = rows.to_pydict()
        columns["key"] = keys = self._seal(columns)
        columns["unsubscribe_url"] = [self.link + key for key in keys]
        made = zip(zip(*columns.values()), keys, *(columns[name] for name in (*_IDENTITY, *_PERSON)))
        return [self._one(dict(zip(columns, row)), needed, *touch) for row, *touch in made]

    def keys(self, rows: pa.Table) -> list[str]:
        """The tokens of the rows."""
        return self._seal(rows.select(_IDENTITY).to_pydict())

    def _seal(self, columns: dict[str, list]) -> list[str]:
        touches = [(enrolment, self.step_no, visit, leg) for enrolment, visit, leg in zip(*(columns[n] for n in _IDENTITY))]
        return seal_all(self.wired.warehouse.key, touches)

    def _one(self, row: dict, needed: bool, key: str, enrolment: int, visit: int, leg: int, contact: int,
             address: str | None, language: str | None, zone: str | None) -> Outgoing | dict:
        wave, language = wave_of(enrolment), language or self.house.language
        try:
            content = self._message(language, wave).render(row) if needed else {}
        except (RenderFailed, MissingMessage) as error:
            return {"outcome": "dropped", "reason": "missing_value", "rule": self.step.message,
                    "value": getattr(error, "variable", type(error).__name__), "limit_value": None}
        return Outgoing(key, contact, address or "", content, language, zone or self.house.zone, self.touches.purpose,
                        self._tagged(wave, visit, leg))

    def _tagged(self, wave: int, visit: int, leg: int) -> dict[str, str]:
        """The tags of a touch; those of the same wave, visit and leg share them."""
        if (wave, visit, leg) not in self._tags:
            self._tags[wave, visit, leg] = {
                "chain": self.version.name, "step": self.step.name, "wave": str(wave), "run": self.run,
                "channel": self.touches.channel, "visit": str(visit), "leg": str(leg)}
        return self._tags[wave, visit, leg]

    def _message(self, language: str, wave: int):
        if (language, wave) not in self._messages:
            chain, channel = self.version.name, self.touches.channel
            message = self.wired.messages.get(chain, self.step.message, channel, language)
            tagging = tagging_of(self.house, chain=chain, step=self.step.name, wave=wave, channel=channel)
            self._messages[language, wave] = message.bind({"params": self._of_wave(wave), "house": self.words}, tagging)
        return self._messages[language, wave]

    def _of_wave(self, wave: int) -> dict:
        if wave not in self._params:
            with self.wired.warehouse.ledger.read() as tx:
                text = tx.execute(sa.select(schema.wave.c.params).where(schema.wave.c.id == wave)).scalar_one()
            self._params[wave] = json.loads(text)
        return self._params[wave]
