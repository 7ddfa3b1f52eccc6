"""The outbox: batches rendered and handed to the connectors, once only."""

from outbox.sender import Sender
from outbox.wired import Wired

__all__ = ["Sender", "Wired"]
