"""A channel that records what it is given, answers by script, and fails in every way on demand."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from connectors.base import (
    ACCEPTED, CHANNELS, Base, Capabilities, ConnectorDown, ErrorKind, Health, Outcome, Outgoing, Receipt, Settings,
)
from connectors.sink import Sink

if TYPE_CHECKING:
    from marketing.responses import Response

__all__ = ["CONNECTOR", "LOST_AFTER", "LOST_BEFORE", "Memory", "MemorySettings", "Said", "forget", "recorded"]


@dataclass(frozen=True, slots=True)
class Said:
    """One scripted answer: the receipt, and whether the message had been made all the same."""

    receipt: Receipt
    made: bool


#: The line broke before the provider took the message: the receipt says UNKNOWN, nothing was made.
LOST_BEFORE = Said(Receipt(Outcome.UNKNOWN, error=ErrorKind.NETWORK), made=False)
#: The line broke after the provider took the message: the receipt says UNKNOWN, it was made.
LOST_AFTER = Said(Receipt(Outcome.UNKNOWN, error=ErrorKind.NETWORK), made=True)

#: What a script may say of one row; None is ACCEPTED.
Answer = Said | Receipt | Outcome | str | None


class MemorySettings(Settings):
    """How the memory connector behaves; every failure is off unless asked for."""

    channels: frozenset[str] = CHANNELS
    max_batch: int = Field(1000, ge=1)
    rate: float | None = Field(None, gt=0, description="Touches per second that it claims to take")
    idempotent: bool = Field(True, description="The sink is deduplicated by key, across processes and restarts")
    lookup: bool = False
    cancel: bool = False
    latency: timedelta = timedelta(0)
    cost: Decimal | None = Field(None, description="Price of one touch")
    record: bool = Field(True, description="False: keep nothing, need no content, cost next to nothing")
    path: Path | None = Field(None, description="Append one line per touch really accepted to this file")
    append: Literal["batch", "message"] = Field("batch", description="One write to the file per batch, or per message")
    fsync: bool = False
    script: Callable[[Outgoing, datetime], Any] | Mapping[str, Any] | None = Field(
        None, repr=False, description="An answer per row: called with (touch, now), or found by key, else address")
    answers: Callable[[Outgoing, datetime], Iterable[Any]] | None = Field(
        None, repr=False, description="The responses a made touch will bring, each listed by poll() once received")
    down: ErrorKind | None = Field(None, description="Every call raises ConnectorDown of this kind")
    down_calls: int | None = Field(None, ge=0, description="Only the first so many calls are down")
    raises_after: int | None = Field(None, ge=0, description="Raise RuntimeError once so many messages were made")
    slow: float = Field(0.0, ge=0, description="Seconds that a call takes")
    die_after: int | None = Field(None, ge=0, description="kill -9 this process once it has made so many messages")


# By connector name, not by object: a provider remembers what it took, whoever connects to it next.
_RECORDS: dict[str, list[Outgoing]] = {}
_KEYS: dict[str, set[str]] = {}


def recorded(name: str = "memory") -> list[Outgoing]:
    """The touches that connectors of this name made in this process, oldest first."""
    return _RECORDS.setdefault(name, [])


def forget() -> None:
    """Empty what the memory connectors of this process have recorded: between two tests, two worlds."""
    for kept in (*_RECORDS.values(), *_KEYS.values()):
        kept.clear()


@dataclass(slots=True)
class _Batch:
    """The answers to one call as they are worked out, and the touches to make."""

    receipts: list[Receipt] = field(default_factory=list)
    made: list[Outgoing] = field(default_factory=list)


class Memory(Base):
    """Sends nowhere; what it made is in `recorded(name)`, in `sent`, and in the file at `path`."""

    Settings = MemorySettings
    settings: MemorySettings

    def __init__(self, name: str, settings: MemorySettings):
        super().__init__(name, settings)
        self.sent = recorded(name)
        self.calls = 0
        self.made = 0
        self.cancelled: set[str] = set()
        self._coming: list[Response] = []
        self._known = _KEYS.setdefault(name, set())
        self._sink: Sink | None = None
        if settings.path is not None:
            self._sink = Sink(settings.path, remember=settings.idempotent or settings.lookup, fsync=settings.fsync)

    def capabilities(self) -> Capabilities:
        """As the settings say; without record, path or failures a whole set can be settled alike."""
        s = self.settings
        bare = not s.record and s.path is None and s.script is None and s.answers is None
        unharmed = s.down is None and s.raises_after is None and s.die_after is None
        return Capabilities(
            channels=s.channels, max_batch=s.max_batch, rate=s.rate, idempotent=s.idempotent, lookup=s.lookup,
            cancel=s.cancel, latency=s.latency, simulated_clock=True, renders=s.record, uniform=bare and unharmed,
        )

    def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Receipt]:
        """Answer by the script, record what was made, then fail if told to."""
        self._fail_first()
        accepted = self._accepted()
        if self._sink is not None:
            with self._sink.locked():
                return self._take(batch, now, self._sink.keys, accepted)
        if not self.settings.record and self.settings.script is None:
            self._made([*batch] if self.settings.answers else [None] * len(batch), now)
            return [accepted] * len(batch)
        return self._take(batch, now, self._known, accepted)

    def send_uniform(self, count: int, now: datetime) -> Receipt:
        """Accept `count` touches at once, keeping nothing of them."""
        if not self.capabilities().uniform:
            return super().send_uniform(count, now)
        self._fail_first()
        self.made += count
        return self._accepted()

    def _accepted(self) -> Receipt:
        return ACCEPTED if self.settings.cost is None else replace(ACCEPTED, cost=self.settings.cost)

    def _fail_first(self) -> None:
        s = self.settings
        self.calls += 1
        if s.slow:
            time.sleep(s.slow)
        if s.down is not None and (s.down_calls is None or self.calls <= s.down_calls):
            raise ConnectorDown(f"connector {self.name!r} is down ({s.down}), as its settings ask", s.down)

    def _take(self, batch: Sequence[Outgoing], now: datetime, known: set[str], accepted: Receipt) -> list[Receipt]:
        work, fresh = _Batch(), set()
        for touch in batch:
            said = self._say(touch, now, accepted)
            if said.made and self.settings.idempotent and (touch.key in known or touch.key in fresh):
                said = Said(Receipt(Outcome.DUPLICATE), made=False)
            if said.made:
                fresh.add(touch.key)
                work.made.append(touch)
            work.receipts.append(said.receipt)
        self._made(work.made, now)
        known |= fresh
        return work.receipts

    def _say(self, touch: Outgoing, now: datetime, accepted: Receipt) -> Said:
        script = self.settings.script
        if script is None:
            return Said(accepted, made=True)
        answer = script(touch, now) if callable(script) else script.get(touch.key, script.get(touch.address))
        if isinstance(answer, Said):
            return answer
        if answer is None:
            return Said(accepted, made=True)
        receipt = answer if isinstance(answer, Receipt) else Receipt(Outcome(answer))
        return Said(receipt, made=receipt.outcome is Outcome.ACCEPTED)

    def _made(self, touches: list[Outgoing], now: datetime) -> None:
        """Make the touches durable first; a death or an exception asked for falls exactly after the n-th."""
        s = self.settings
        limits = [n - self.made for n in (s.die_after, s.raises_after) if n is not None]
        room = max(0, min(limits, default=len(touches)))
        fits, fails = touches[:room], bool(limits) and room <= len(touches)
        if self._sink is not None and fits:
            rows = [(t.key, t.contact_id, t.address, t.tags.get("step", ""), now.isoformat()) for t in fits]
            self._sink.append(rows, one_by_one=s.append == "message")
        if s.record:
            self.sent.extend(fits)
            self._known.update(t.key for t in fits)
        if s.answers is not None:
            self._coming.extend(r for t in fits for r in s.answers(t, now))
        self.made += len(fits)
        if fails and s.die_after is not None and self.made >= s.die_after:
            os.kill(os.getpid(), signal.SIGKILL)
        if fails and s.raises_after is not None and self.made >= s.raises_after:
            raise RuntimeError(f"connector {self.name!r} breaks after {s.raises_after} messages, as its settings ask")

    def lookup(self, keys: Sequence[str]) -> Mapping[str, Receipt]:
        """ACCEPTED for what was made, RETRY for what never came."""
        if not self.settings.lookup:
            return super().lookup(keys)
        known = self._known
        if self._sink is not None:
            with self._sink.locked():
                known = set(self._sink.keys)
        never = Receipt(Outcome.RETRY, error=ErrorKind.NETWORK, code="never_seen")
        return {key: self._accepted() if key in known else never for key in keys}

    def cancel(self, keys: Sequence[str]) -> Mapping[str, bool]:
        """Take back what this process has recorded, if `cancel` is set; the file keeps its line."""
        if not self.settings.cancel:
            return super().cancel(keys)
        mine = {t.key for t in self.sent} & set(keys)
        self.cancelled |= mine
        return {key: key in mine for key in keys}

    def quote(self, count: int) -> Decimal:
        """`count` times the cost in the settings."""
        return count * (self.settings.cost or Decimal(0))

    def check(self) -> Health:
        """Healthy unless told to be down."""
        if self.settings.down is None:
            return Health(ok=True)
        return Health(ok=False, problems=(f"down: {self.settings.down}",))

    @property
    def polled(self) -> bool:
        """Only where answers are scripted."""
        return self.settings.answers is not None

    def poll(self, cursor: str | None, now: datetime) -> tuple[list[Response], str | None]:
        """The scripted responses received after `cursor` (an instant) and by `now`, oldest first."""
        since = datetime.fromisoformat(cursor) if cursor else datetime.min
        ready = [r for r in self._coming if since < r.received_at <= now]
        return sorted(ready, key=lambda r: (r.received_at, r.dedup)), now.isoformat() if ready else cursor

    def close(self) -> None:
        """Let go of the file."""
        if self._sink is not None:
            self._sink.close()


CONNECTOR = Memory
