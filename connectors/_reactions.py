"""How a reaction is heard of on each channel: the kinds of response, and when they come in."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from connectors._responders import Reaction
from connectors.base import Outgoing
from marketing.responses import (
    APPOINTMENT,
    BOUNCED_HARD,
    BUSY,
    CALL_BACK,
    CLICKED,
    COMPLAINED,
    COUPON_REDEEMED,
    DELIVERED,
    LETTER_RETURNED,
    NO_ANSWER,
    NOT_NOW,
    OPENED,
    REFUSED,
    SEND_DOCUMENTS,
    UNSUBSCRIBED,
    VOICEMAIL,
    WRONG_NUMBER,
)

__all__ = ["answers_of"]

#: a bad address: what is said of it, and after how many seconds
BAD_ADDRESS = {"email": (BOUNCED_HARD, 20), "sms": (BOUNCED_HARD, 5), "voice": (BOUNCED_HARD, 60),
               "post": (LETTER_RETURNED, 8 * 86400), "phone": (WRONG_NUMBER, 600)}
#: channels whose carrier says that the message has arrived, and after how many seconds
CARRIED = {"email": 15, "sms": 4, "voice": 45}
#: what acting on a touch looks like
ACTED = {"email": CLICKED, "sms": CLICKED, "voice": CLICKED, "post": COUPON_REDEEMED}
#: a call that led to nothing pleasant: outcomes with the draw below which each is taken
CALL_ENDS = ((NO_ANSWER, 0.45), (VOICEMAIL, 0.65), (NOT_NOW, 0.85), (BUSY, 0.90), (CALL_BACK, 0.97), (REFUSED, 1.0))
#: a call that interested
CALL_WINS = ((APPOINTMENT, 0.45), (SEND_DOCUMENTS, 0.80), (CALL_BACK, 1.0))
#: share of e-mails that a programme opens on its own
MACHINE_OPENS = 0.4
_SECOND = 1_000_000


def answers_of(batch: Sequence[Outgoing], channel: str, arrival: int, reaction: Reaction) -> list[tuple]:
    """The answers to a batch that arrives at `arrival` (microseconds), as rows of the table `answer` without connector."""
    rows = []
    for i, touch in enumerate(batch):
        say = _call if channel == "phone" else _message
        for kind, seconds, machine, meta in say(channel, arrival, reaction, i):
            happened = arrival + seconds * _SECOND
            rows.append((happened, f"{touch.key}-{kind}{'-machine' if machine else ''}", kind, happened, touch.key,
                         touch.contact_id, touch.address, int(machine), meta))
    return rows


def _message(channel: str, arrival: int, reaction: Reaction, i: int) -> Iterator[tuple[str, int, bool, str]]:
    if reaction.bounced[i]:
        kind, seconds = BAD_ADDRESS[channel]
        yield kind, seconds, False, "{}"
        return
    if channel in CARRIED:
        yield DELIVERED, CARRIED[channel], False, "{}"
    if channel == "email" and reaction.outcome[i] < MACHINE_OPENS:
        yield OPENED, CARRIED[channel] + 5, True, "{}"
    if channel in CARRIED and reaction.machine[i]:
        yield CLICKED, CARRIED[channel] + 1, True, "{}"
    if reaction.clicked[i]:
        yield ACTED[channel], int(reaction.act_after[i]), False, "{}"
    if reaction.left[i]:
        yield (COMPLAINED if reaction.complained[i] else UNSUBSCRIBED), int(reaction.leave_after[i]), False, "{}"


def _call(channel: str, arrival: int, reaction: Reaction, i: int) -> Iterator[tuple[str, int, bool, str]]:
    seconds = 600 + int(reaction.outcome[i] * 6 * 3600)
    if reaction.bounced[i]:
        yield WRONG_NUMBER, seconds, False, "{}"
    elif reaction.left[i]:
        yield REFUSED, seconds, False, "{}"
    else:
        ends = CALL_WINS if reaction.clicked[i] else CALL_ENDS
        kind = next(kind for kind, upper in ends if reaction.outcome[i] < upper)
        yield kind, seconds, False, _agreed(arrival, reaction.outcome[i]) if kind == CALL_BACK else "{}"


def _agreed(arrival: int, drawn: float) -> str:
    """The date that the operator types: one to ten days from the call."""
    day = datetime(1970, 1, 1) + timedelta(microseconds=arrival, days=1 + int(drawn * 1000) % 10)
    return json.dumps({"call_back_on": day.date().isoformat()})
