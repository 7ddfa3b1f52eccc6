"""Short ways to write an example: a small chain, days counted from one Monday, the rows of one contact."""

from __future__ import annotations

from datetime import datetime, timedelta

from marketing.chain import COMMERCIAL, RELATIONSHIP, Chain, Send
from tests.model.facts import Contact
from tests.model.interpreter import Model

__all__ = ["accepted", "day", "model_of", "offer", "path", "refused", "small_chain", "thanks"]

ANNA = 1
#: Monday 5 January 2026, 09:00 in Paris.
START = datetime(2026, 1, 5, 8)


def day(number: float, hours: float = 0) -> datetime:
    """The instant so many days (24 hours each) and hours after the Monday of all examples."""
    return START + timedelta(days=number, hours=hours)


def small_chain(*steps, name: str = "winter", **more) -> Chain:
    """A loyalty chain over the audience everybody."""
    return Chain(name=name, title=name, kind="loyalty", audience="everybody", steps=list(steps), **more)


def offer(name: str, by: str = "email", **more) -> Send:
    """A commercial Send."""
    return Send(name, by=by, message=name, purpose=COMMERCIAL, **more)


def thanks(name: str, by: str = "email", **more) -> Send:
    """A relationship Send."""
    return Send(name, by=by, message=name, purpose=RELATIONSHIP, **more)


def model_of(*chains: Chain, contacts=(ANNA,), **more) -> Model:
    """The slow model of chains over contacts with every address and no consent asked."""
    return Model(chains, [Contact(contact) for contact in contacts], **more)


def path(model: Model, contact: int = ANNA, chain: str | None = None) -> list[tuple]:
    """A contact's moves: (from, to, reason, due_at, moved_at)."""
    return [
        (m.from_step, m.to_step, m.reason, m.due_at, m.moved_at) for m in model.moves
        if m.contact == contact and chain in (None, m.chain)
    ]


def refused(model: Model) -> list[tuple]:
    """Refusals as (step, reason, until_at, stage, refused_at)."""
    return [(r.step, r.reason, r.until_at, r.stage, r.refused_at) for r in model.refusals]


def accepted(touch) -> str:
    """The answer of a connector that takes everything."""
    return "accepted"
