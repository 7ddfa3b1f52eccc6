"""Bounds of one connector here: whom it may reach outside of live, and how many touches it may be handed in a day."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from connectors.base import Connector, ErrorKind, Outcome, Outgoing, Receipt
from marketing.calendar import local, utc
from marketing.environment import REFUSED_HERE, may_reach
from warehouse import ceilings
from warehouse.seeds import seeds

__all__ = ["Bounds", "OnlyListed"]

#: The answer to a touch that somebody tried to hand over all the same; no address stands in it.
REFUSED = Receipt(Outcome.BLOCKED, error=ErrorKind.POLICY, code=REFUSED_HERE, detail="not on the allow-list", units=0)


class OnlyListed:
    """A connector that reaches real people, outside of live: it is handed what goes to its list or to the house's seeds alone.

    The last barrier: whoever calls it, a sender or a proof, cannot reach anybody else.
    """

    def __init__(self, connector: Connector, environment: str, listed: Collection[str], ledger):
        self.connector, self.environment = connector, environment
        self._listed, self._ledger = frozenset(listed), ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connector, name)

    def __repr__(self) -> str:
        return f"OnlyListed({self.connector!r})"

    def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Receipt]:
        """Hand over what may leave; the rest is blocked. Raises ConnectorDown as the connector does."""
        may = self.reachable([touch.address for touch in batch])
        allowed = [touch for touch, yes in zip(batch, may) if yes]
        receipts = iter(self.connector.send(allowed, now) if allowed else ())
        return [next(receipts) if yes else REFUSED for yes in may]

    def send_uniform(self, count: int, now: datetime) -> Receipt:
        """Nobody knows to whom so many would go: none leaves."""
        return REFUSED

    def reachable(self, addresses: Sequence[str | None]) -> list[bool]:
        """Of each address whether it may be reached here."""
        listed = self._listed | _seeds(self._ledger)
        return [may_reach(address or "", listed) for address in addresses]


class Bounds:
    """What a sender asks before it hands anything over by one connector; a connector without bounds costs nothing."""

    def __init__(self, wired, connector: str):
        self._connector, self._name, self._warehouse = wired.connectors[connector], connector, wired.warehouse
        self._ceiling = wired.warehouse.house.ceiling(connector)
        self._day: date | None = None  # the day that was counted on last

    def narrowed(self, can):
        """What the connector can do within its bounds: a whole set is not settled alike where each touch is counted."""
        return can if self._ceiling is None else replace(can, uniform=False)

    def refused(self, rows: pa.Table) -> dict[int, dict]:
        """Of the rows (position, address) those that may not be reached here, by position with their fate."""
        if not isinstance(self._connector, OnlyListed):
            return {}
        fate = {"outcome": "dropped", "reason": REFUSED_HERE, "rule": f"{self._name}/allow", "value": self._connector.environment,
                "limit_value": None}
        positions, addresses = rows["position"].to_pylist(), rows["address"].to_pylist()
        return {position: fate for position, may in zip(positions, self._connector.reachable(addresses)) if not may}

    def full(self) -> bool:
        """Whether the day's ceiling is reached; what is planned then waits until tomorrow."""
        if self._ceiling is None or ceilings.handed_over(self._warehouse.ledger, self._name, self._today()) < self._ceiling:
            return False
        ceilings.postpone(self._warehouse.ledger, self._name, self.tomorrow())
        return True

    def within(self, positions: Sequence[int], waiting: dict[int, datetime]) -> list[int]:
        """Of these positions the first that there is room for today, counted from here on; the others are put into
        `waiting`, until tomorrow."""
        if self._ceiling is None or not positions:
            return list(positions)
        self._day = self._today()
        room = ceilings.reserve(self._warehouse.ledger, self._name, len(positions), self._ceiling, self._day)
        waiting.update(dict.fromkeys(positions[room:], self.tomorrow()))
        return list(positions[:room])

    def give_back(self, touches: int) -> None:
        """So many of those that were counted were not made."""
        if self._day is not None and touches:
            ceilings.give_back(self._warehouse.ledger, self._name, touches, self._day)

    def tomorrow(self) -> datetime:
        """The first moment of the house's next day."""
        return utc(datetime.combine(self._today() + timedelta(days=1), datetime.min.time()), self._warehouse.house.zone)

    def _today(self) -> date:
        return local(self._warehouse.clock.now(), self._warehouse.house.zone).date()


def _seeds(ledger) -> frozenset[str]:
    """The addresses of the house's own people, by each kind of channel."""
    found = [one.address(channel) for one in seeds(ledger) for channel in ("email", "sms", "post")]
    return frozenset(address.strip().casefold() for address in found if address)
