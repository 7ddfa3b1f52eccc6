"""A channel to invented people: it takes touches, and answers when the time has come, with a truth that is known."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from connectors._answers import Answers, Truth
from connectors._reactions import answers_of
from connectors._responders import MANNERS, World, occasion
from connectors.base import Base, Capabilities, Connector, Health, Outcome, Outgoing, Receipt, Settings
from connectors.registry import connect
from marketing.responses import Response
from marketing.touch import no_touch

__all__ = ["CONNECTOR", "Order", "Simulator", "SimulatorSettings"]

#: What one touch costs where the settings do not say; invented, like the people.
COSTS = {"email": Decimal("0.005"), "sms": Decimal("0.06"), "post": Decimal("0.75"), "phone": Decimal("3.50"),
         "voice": Decimal("0.10")}
#: Days in the post, unless the settings say otherwise.
POST_DAYS = 3
_EPOCH = datetime(1970, 1, 1)
_MICRO = timedelta(microseconds=1)

#: (order number, contact, when, amount): one purchase that a touch caused, as the shop's till sees it
Order = tuple[str, int, datetime, Decimal]


class SimulatorSettings(Settings):
    """The people behind a channel; connectors that share `path` and `seed` share the people and their fatigue."""

    path: Path = Field(description="Folder for what was taken and what is still to come")
    truth: Path | None = Field(None, description="File for what would have happened anyway; none: not kept")
    channel: str = Field("email", description="One of " + ", ".join(sorted(MANNERS)))
    seed: int = 0
    effect: float = Field(1.0, ge=0, description="Scales the purchases that touches cause; 0: none")
    base: float = Field(0.0, ge=0, le=0.5, description="Chance of a purchase that needs no touch; 0 beside real orders")
    order_mean: float = Field(36.0, gt=0, description="Mean amount of an order")
    order_spread: float = Field(0.7, ge=0, description="Standard deviation of the amount's logarithm")
    cost: Decimal | None = Field(None, ge=0, description="Price of one touch")
    latency: timedelta | None = Field(None, description="From acceptance to arrival")
    rate: float | None = Field(None, gt=0, description="Touches per second that it claims to take")
    max_batch: int = Field(1000, ge=1)
    deliver_to: Mapping[str, Any] | None = Field(
        None, description="Another connector, which also gets the messages: its kind, with its settings")


class Simulator(Base):
    """Same seed, same people: who buys, clicks or leaves hangs on no order, batch, thread or retry."""

    Settings = SimulatorSettings
    settings: SimulatorSettings

    def __init__(self, name: str, settings: SimulatorSettings):
        super().__init__(name, settings)
        if settings.channel not in MANNERS:
            raise ValueError(f"connector {name!r}: channel is {settings.channel!r}; accepted: {', '.join(sorted(MANNERS))}")
        self.manner = MANNERS[settings.channel]
        self.world = World(settings.seed, settings.effect, settings.base, settings.order_mean, settings.order_spread)
        days = POST_DAYS if settings.channel == "post" else 0
        self.latency = settings.latency if settings.latency is not None else timedelta(days=days)
        self.cost = settings.cost if settings.cost is not None else COSTS[settings.channel]

    @cached_property
    def _answers(self) -> Answers:
        return Answers(self.settings.path)

    @cached_property
    def _truth(self) -> Truth | None:
        return Truth(self.settings.truth) if self.settings.truth else None

    @cached_property
    def _inner(self) -> Connector | None:
        if self.settings.deliver_to is None:
            return None
        settings = dict(self.settings.deliver_to)
        return connect(settings.pop("kind"), self.name, settings)

    def capabilities(self) -> Capabilities:
        """Idempotent by key, under any clock; renders only for the connector that it delivers to."""
        s = self.settings
        return Capabilities(
            channels=frozenset({s.channel}), max_batch=s.max_batch, rate=s.rate, idempotent=True, lookup=True,
            cancel=True, latency=self.latency, simulated_clock=True,
            renders=self._inner is not None and self._inner.capabilities().renders)

    def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Receipt]:
        """Deliver what is new, decide what it will cause, and make that durable before saying accepted."""
        known = self._answers.known([touch.key for touch in batch])
        receipts: list[Receipt] = [Receipt(Outcome.DUPLICATE, cost=self.cost)] * len(batch)
        fresh: dict[str, int] = {}
        for i, touch in enumerate(batch):
            if touch.key not in known:
                fresh.setdefault(touch.key, i)
        delivered = self._deliver([batch[i] for i in fresh.values()], now)
        taken = []
        for i, receipt in zip(fresh.values(), delivered, strict=True):
            made = receipt.outcome in (Outcome.ACCEPTED, Outcome.DUPLICATE)
            receipts[i] = Receipt(Outcome.ACCEPTED, cost=self.cost, happened_at=now) if made else receipt
            if made and not no_touch(batch[i].key):  # the house's own people are none of this world
                taken.append(batch[i])
        if taken:
            self._take(taken, now)
        return receipts

    def _deliver(self, batch: list[Outgoing], now: datetime) -> Sequence[Receipt]:
        if self._inner is None or not batch:
            return [Receipt(Outcome.ACCEPTED)] * len(batch)
        return self._inner.send(batch, now)

    def _take(self, batch: list[Outgoing], now: datetime) -> None:
        sent = (now - _EPOCH) // _MICRO
        contacts = np.array([touch.contact_id for touch in batch], dtype=np.uint64)
        addresses = np.array([occasion(touch.address) for touch in batch], dtype=np.uint64)
        steps = np.array([occasion(_step(touch)) for touch in batch], dtype=np.uint64)
        pressure, attention = self._state_of(contacts, sent)
        reaction = self.world.react(contacts, addresses, steps, self.settings.channel, pressure, attention)
        arrival = sent + self.latency // _MICRO
        extra = reaction.extra
        sales = [(arrival + int(after) * 1_000_000, touch.key, touch.contact_id, f"{amount:.2f}",
                  arrival + int(after) * 1_000_000)
                 for touch, caused, after, amount in zip(batch, extra, reaction.buy_after, reaction.amount, strict=True)
                 if caused]
        if self._truth is not None:
            self._truth.add(_truth_rows(batch, self.settings.channel, sent, arrival, pressure, attention, reaction))
        self._answers.add(
            self.name,
            [(touch.key, touch.contact_id, sent, self.manner.weight, int(ignored))
             for touch, ignored in zip(batch, reaction.ignored, strict=True)],
            answers_of(batch, self.settings.channel, arrival, reaction), sales)

    def _state_of(self, contacts: np.ndarray, sent: int) -> tuple[np.ndarray, np.ndarray]:
        """Pressure and attention of each entry from the touches before this instant, over all channels."""
        ids, places = np.unique(contacts, return_inverse=True)
        whose, when, weight, ignored = self._answers.history(ids.astype(np.int64), sent)
        if not len(whose):
            return np.zeros(len(contacts)), np.ones(len(contacts))
        at = np.searchsorted(ids.astype(np.int64), whose)
        # sorted first: floating sums depend on their order, and no file promises one
        order = np.lexsort((ignored, weight, when, at))
        left = self.world.pressure_left(weight, (sent - when) / 1e6)
        pressure = np.bincount(at[order], weights=left[order], minlength=len(ids))
        dropped = np.bincount(at, weights=ignored, minlength=len(ids))
        return pressure[places], (self.world.attention_kept**dropped)[places]

    def lookup(self, keys: Sequence[str]) -> Mapping[str, Receipt]:
        """ACCEPTED for what was taken, RETRY for what never came."""
        known = self._answers.known(list(keys))
        return {key: Receipt(Outcome.ACCEPTED if key in known else Outcome.RETRY,
                             cost=self.cost if key in known else None) for key in keys}

    def cancel(self, keys: Sequence[str]) -> Mapping[str, bool]:
        """Take back calls and letters that have not arrived; a message that has left is not taken back."""
        if self.settings.channel not in {"post", "phone"}:
            return dict.fromkeys(keys, False)
        known = self._answers.known(list(keys))
        inner = self._inner.cancel(keys) if self._inner is not None else dict.fromkeys(keys, True)
        back = {key: key in known and inner.get(key, False) for key in keys}
        self._answers.take_back([key for key, done in back.items() if done])
        return back

    def quote(self, count: int) -> Decimal:
        """`count` times the cost of a touch."""
        return count * self.cost

    def check(self) -> Health:
        """Healthy when the folder can be written to, and whoever it delivers to is."""
        try:
            self._answers.known([])
        except Exception as error:
            return Health(ok=False, problems=(f"path: {self.settings.path} cannot be written to ({error})",))
        return self._inner.check() if self._inner is not None else Health(ok=True)

    def poll(self, cursor: str | None, now: datetime) -> tuple[list[Response], str | None]:
        """The responses whose time has come since `cursor` (an instant) and by `now`, oldest first."""
        rows = self._answers.hear(self.name, _micros(cursor), (now - _EPOCH) // _MICRO)
        return [Response(dedup, kind, _instant(happened), _instant(due), key, contact, address, bool(machine), json.loads(meta))
                for due, dedup, kind, happened, key, contact, address, machine, meta in rows], now.isoformat()

    def orders(self, cursor: str | None, now: datetime) -> tuple[list[Order], str | None]:
        """The purchases that touches of any channel of this world caused, as the till sees them; as `poll` otherwise."""
        rows = self._answers.sold(_micros(cursor), (now - _EPOCH) // _MICRO)
        return [(f"S-{number}", contact, _instant(ordered), Decimal(amount))
                for number, contact, amount, ordered in rows], now.isoformat()

    def close(self) -> None:
        """Let go of the files; the object may be used again after."""
        for part in ("_answers", "_truth", "_inner"):
            if (held := self.__dict__.pop(part, None)) is not None:
                held.close()


def _step(touch: Outgoing) -> str:
    tags = touch.tags
    return "/".join(tags.get(name, "") for name in ("chain", "wave", "step", "visit", "leg"))


def _truth_rows(batch: Sequence[Outgoing], channel: str, sent: int, arrival: int, pressure: np.ndarray,
                attention: np.ndarray, reaction: Any) -> list[tuple]:
    extra = reaction.extra
    return [(touch.key, touch.contact_id, touch.tags.get("chain", ""), touch.tags.get("wave", ""),
             touch.tags.get("step", ""), channel, sent, float(pressure[i]), float(attention[i]), float(reaction.p0[i]),
             float(reaction.p1[i]), int(reaction.y0[i]), int(reaction.y1[i]),
             f"{reaction.amount[i]:.2f}" if extra[i] else "0.00",
             arrival + int(reaction.buy_after[i]) * 1_000_000 if extra[i] else None)
            for i, touch in enumerate(batch)]


def _micros(cursor: str | None) -> int:
    return (datetime.fromisoformat(cursor) - _EPOCH) // _MICRO if cursor else -1


def _instant(micros: int) -> datetime:
    return _EPOCH + micros * _MICRO


CONNECTOR = Simulator
