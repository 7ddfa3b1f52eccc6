"""Render: one message per touch of a batch, in the contact's language, from the wave's parameters."""

import json

import pyarrow as pa
import sqlalchemy as sa

from connectors.base import Outgoing
from connectors.message import MissingMessage, RenderFailed
from marketing.touch import sealer
from warehouse import schema

__all__ = ["Renderer"]


class Renderer:
    """Turns the rows of one step into what a connector takes; a row that cannot be rendered is said, not raised."""

    def __init__(self, wired, version, step, touches, run: str):
        self.wired, self.version, self.step, self.touches, self.run = wired, version, step, touches, run
        self.house = wired.warehouse.house
        self.words = self.house.model_dump(mode="json", include={"name", "language", "country", "zone", "currency", "urls"})
        self.seal = sealer(wired.warehouse.key)
        self.step_no = version.step_numbers[step.name]
        link = self.house.urls.get("unsubscribe", "https://unsubscribe.invalid/")
        self.link = link if link.endswith(("/", "=")) else f"{link}/"  # the token follows as a word of its own
        self._params: dict[int, dict] = {}
        self._messages: dict = {}

    def variables(self) -> frozenset[str]:
        """What the message takes of a row, in any of its languages."""
        name = (self.version.name, self.step.message, self.touches.channel)
        languages = self.wired.messages.languages(*name) or (self.house.language,)
        return frozenset().union(*(self.wired.messages.get(*name, language).variables for language in languages))

    def outgoing(self, rows: pa.Table, needed: bool) -> list[Outgoing | dict]:
        """By row: what to hand over, or the refusal `missing_value` where the message cannot be printed."""
        names = rows.column_names
        columns = [column.to_pylist() for column in rows.columns]
        return [self._one(dict(zip(names, values)), needed) for values in zip(*columns)]

    def key(self, row: dict) -> str:
        return self.seal(row["enrolment_id"], self.step_no, row["visit"], row["leg"])

    def _one(self, row: dict, needed: bool) -> Outgoing | dict:
        row["key"] = key = self.key(row)
        row["unsubscribe_url"] = self.link + key
        wave = row["enrolment_id"] >> 36
        language = row["language"] or self.house.language
        try:
            content = self._message(language, wave).render(row) if needed else {}
        except (RenderFailed, MissingMessage) as error:
            return {"outcome": "dropped", "reason": "missing_value", "rule": self.step.message,
                    "value": getattr(error, "variable", type(error).__name__), "limit_value": None}
        tags = {"chain": self.version.name, "step": self.step.name, "wave": str(wave), "run": self.run,
                "channel": self.touches.channel, "visit": str(row["visit"]), "leg": str(row["leg"])}
        return Outgoing(key, row["contact_id"], row["address"] or "", content, language, row["zone"] or self.house.zone,
                        self.touches.purpose, tags)

    def _message(self, language: str, wave: int):
        if (language, wave) not in self._messages:
            message = self.wired.messages.get(self.version.name, self.step.message, self.touches.channel, language)
            self._messages[language, wave] = message.bind(
                {"params": self._of_wave(wave), "house": self.words})
        return self._messages[language, wave]

    def _of_wave(self, wave: int) -> dict:
        if wave not in self._params:
            with self.wired.warehouse.ledger.read() as tx:
                text = tx.execute(sa.select(schema.wave.c.params).where(schema.wave.c.id == wave)).scalar_one()
            self._params[wave] = json.loads(text)
        return self._params[wave]
