"""What contacts and providers answer, in one vocabulary for all channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

#: The provider or the carrier handed the message over; says nothing of being read.
DELIVERED = "delivered"
#: The tracking image was fetched, by a person or by a mail programme on its own.
OPENED = "opened"
#: A link of the message was followed.
CLICKED = "clicked"
#: The contact wrote back.
REPLIED = "replied"
#: An order of the contact was loaded.
PURCHASED = "purchased"
#: A coupon of the message was used, in the shop or online.
COUPON_REDEEMED = "coupon_redeemed"
#: The address does not exist; it is not written to again.
BOUNCED_HARD = "bounced_hard"
#: The message was refused this time: box full, server away.
BOUNCED_SOFT = "bounced_soft"
#: The contact reported the message as spam.
COMPLAINED = "complained"
#: The contact withdrew consent for the purpose and channel.
UNSUBSCRIBED = "unsubscribed"
#: The contact gave consent for a purpose and channel.
OPTED_IN = "opted_in"
#: The contact rang the house.
INBOUND_CALL = "inbound_call"
#: The contact filled in a form of the house.
FORM_SUBMITTED = "form_submitted"
#: The letter came back undelivered.
LETTER_RETURNED = "letter_returned"

#: Call outcome: a meeting was agreed.
APPOINTMENT = "appointment"
#: Call outcome: ring again, on the date the operator typed.
CALL_BACK = "call_back"
#: Call outcome: the contact asked for documents.
SEND_DOCUMENTS = "send_documents"
#: Call outcome: no interest at present, no objection either.
NOT_NOW = "not_now"
#: Call outcome: the contact wants nothing of this offer.
REFUSED = "refused"
#: Call outcome: it rang, nobody answered.
NO_ANSWER = "no_answer"
#: Call outcome: the line was engaged.
BUSY = "busy"
#: Call outcome: a machine took the call.
VOICEMAIL = "voicemail"
#: Call outcome: the number belongs to somebody else.
WRONG_NUMBER = "wrong_number"

#: What we took back in time: a call in an agenda, a letter in an open file. Says nothing of the contact.
CANCELLED = "cancelled"
#: What could not be taken back any more.
NOT_CANCELLED = "not_cancelled"

#: No response but an answer of our own: none of the wait's touches was made.
NOT_SENT = "not_sent"

CALL_OUTCOMES = frozenset({
    APPOINTMENT, CALL_BACK, SEND_DOCUMENTS, NOT_NOW, REFUSED, NO_ANSWER, BUSY, VOICEMAIL, WRONG_NUMBER,
})
#: Those that may come without the key of a touch: they are found by contact or by address.
UNKEYED_KINDS = frozenset({
    REPLIED, PURCHASED, COUPON_REDEEMED, BOUNCED_HARD, BOUNCED_SOFT, COMPLAINED, UNSUBSCRIBED, OPTED_IN,
    INBOUND_CALL, FORM_SUBMITTED, LETTER_RETURNED,
})
KNOWN = frozenset({DELIVERED, OPENED, CLICKED}) | UNKEYED_KINDS | CALL_OUTCOMES
#: What may come in: the world's answers, and what became of our own cancelling.
HEARD = KNOWN | {CANCELLED, NOT_CANCELLED}
#: Machines open and carriers deliver: neither says that the contact wants anything, so neither is ever a branch.
MACHINE_BRANCH_FORBIDDEN = frozenset({OPENED, DELIVERED})

__all__ = [
    "APPOINTMENT", "BOUNCED_HARD", "BOUNCED_SOFT", "BUSY", "CALL_BACK", "CALL_OUTCOMES", "CANCELLED", "CLICKED", "COMPLAINED",
    "COUPON_REDEEMED", "DELIVERED", "FORM_SUBMITTED", "HEARD", "INBOUND_CALL", "KNOWN", "LETTER_RETURNED",
    "MACHINE_BRANCH_FORBIDDEN", "NOT_CANCELLED", "NOT_NOW", "NOT_SENT", "NO_ANSWER", "OPENED", "OPTED_IN", "PURCHASED", "REFUSED",
    "REPLIED", "Response", "SEND_DOCUMENTS", "UNKEYED_KINDS", "UNSUBSCRIBED", "VOICEMAIL", "WRONG_NUMBER",
]


@dataclass(frozen=True, slots=True)
class Response:
    """One answer as a connector read it; times are naive UTC.

    `dedup` is the provider's own id of the answer: the same one twice counts once. The contact is found
    by `key` (the token of a touch), else by `contact_id`, else by `address`. `machine` marks clicks and
    opens of scanners and mail programmes; `meta` holds what the operator or the provider added, as text.
    """

    dedup: str
    kind: str
    happened_at: datetime
    received_at: datetime
    key: str | None = None
    contact_id: int | None = None
    address: str | None = None
    machine: bool = False
    meta: Mapping[str, str] = field(default_factory=dict)
