"""A connector that takes whole messages, answers each, and keeps nothing: what is measured is everything before it."""

from dataclasses import replace

from connectors.base import ACCEPTED, Capabilities
from connectors.memory import Memory

__all__ = ["Taking"]


class Taking(Memory):
    """Counts the letters of what it is given, so that nothing can go unrendered unseen."""

    letters = 0

    def capabilities(self) -> Capabilities:
        """Needs content, and answers touch by touch."""
        return replace(super().capabilities(), renders=True, uniform=False)

    def send(self, batch, now):
        """Accept every touch."""
        for touch in batch:
            self.letters += len(touch.content.get("html") or touch.content["text"])
        return [ACCEPTED] * len(batch)
