"""What every task is handed: the warehouse, the connectors by name, the messages of the chains."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.base import Connector
from connectors.message import Messages
from warehouse import Warehouse
from warehouse.outbox import LEASE

__all__ = ["Wired"]


@dataclass(frozen=True)
class Wired:
    """The composition of one installation; `wall` is the real clock, by which leases are kept."""

    warehouse: Warehouse
    connectors: Mapping[str, Connector]
    messages: Messages
    wall: Callable[[], datetime]
    #: seconds that a pass may spend on sending its own batches
    send_for: float = 60.0
    #: how long a sender may be silent before its batches are somebody else's to resolve
    lease: timedelta = LEASE
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def latencies(self) -> dict[str, timedelta]:
        """From acceptance to arrival, by connector."""
        return {name: connector.capabilities().latency for name, connector in self.connectors.items()}

    @property
    def rates(self) -> dict[str, float | None]:
        """Touches a second, by connector; None is as fast as it goes."""
        return {name: connector.capabilities().rate for name, connector in self.connectors.items()}
