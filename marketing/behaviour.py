"""How a contact behaves, as a marketer says it: "clicked on day 3, purchased on day 20"."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from marketing.calendar import add, days
from marketing.responses import COMPLAINED, INBOUND_CALL, KNOWN, MACHINE_BRANCH_FORBIDDEN, PURCHASED, REPLIED, UNSUBSCRIBED

__all__ = ["Answered", "BadBehaviour", "behaviour"]

#: What people say for a response.
_SAID = {"clicks": "clicked", "replies": REPLIED, "buys": PURCHASED, "bought": PURCHASED, "orders": PURCHASED,
         "ordered": PURCHASED, "calls": INBOUND_CALL, "called": INBOUND_CALL, "unsubscribes": UNSUBSCRIBED,
         "complains": COMPLAINED}
_WRITTEN = re.compile(r"(?P<word>[a-z_ ]+?)\s+on\s+day\s+(?P<day>\d{1,4})")
#: Machines open and carriers deliver: neither moves anybody.
_MOVES = KNOWN - MACHINE_BRANCH_FORBIDDEN


class BadBehaviour(ValueError):
    """A behaviour that cannot be read; the text says what is accepted."""


@dataclass(frozen=True)
class Answered:
    """A response of the contact: its kind and its instant (naive UTC)."""

    kind: str
    at: datetime


def behaviour(text: str, enrolled_at: datetime, zone: str) -> list[Answered]:
    """Read "clicked on day 3, purchased on day 20": days after entry, at its hour (day 0: an hour after). Raises BadBehaviour.

    The words are the responses of the house, with spaces or underscores; an empty text is a contact who never answers.
    """
    found = []
    for one in filter(None, (part.strip().lower() for part in text.split(","))):
        match = _WRITTEN.fullmatch(one)
        if not match:
            raise BadBehaviour(f"{one!r} is no behaviour; accepted: RESPONSE on day N, several with commas between, such as "
                               '"clicked on day 3, purchased on day 20"')
        word = match["word"].strip().replace(" ", "_")
        kind, day = _SAID.get(word, word), int(match["day"])
        if kind not in _MOVES:
            raise BadBehaviour(f"{word!r} is no response that moves anybody; accepted: {', '.join(sorted(_MOVES))}")
        found.append(Answered(kind, add(enrolled_at, days(day), zone) if day else enrolled_at + timedelta(hours=1)))
    return sorted(found, key=lambda answer: answer.at)
