"""What an SMTP reply means for a touch: tables, looked up from the most precise to the class of the code."""

from __future__ import annotations

import re

from connectors.base import ErrorKind, Outcome, Receipt

__all__ = ["PHASES", "receipt_of"]

#: Where in the conversation a reply came.
PHASES = ("connect", "login", "mail", "rcpt", "data")

_REJECTED, _RETRY, _THROTTLED = Outcome.REJECTED, Outcome.RETRY, Outcome.THROTTLED

#: Enhanced status codes (RFC 3463, RFC 7372 and the registry), which say more than the three digits.
STATUS = {
    "5.1.0": (_REJECTED, ErrorKind.INVALID_ADDRESS),
    "5.1.1": (_REJECTED, ErrorKind.INVALID_ADDRESS),  # no such mailbox
    "5.1.2": (_REJECTED, ErrorKind.INVALID_ADDRESS),  # no such domain
    "5.1.3": (_REJECTED, ErrorKind.INVALID_ADDRESS),  # not an address
    "5.1.6": (_REJECTED, ErrorKind.INVALID_ADDRESS),  # moved, no forwarding
    "5.1.10": (_REJECTED, ErrorKind.INVALID_ADDRESS),  # the domain takes no mail (null MX)
    "5.2.1": (_REJECTED, ErrorKind.INVALID_ADDRESS),  # mailbox disabled
    "5.2.2": (_REJECTED, ErrorKind.PROVIDER),  # mailbox full: the address is good
    "5.2.3": (_REJECTED, ErrorKind.CONTENT),  # too long for this mailbox
    "5.3.4": (_REJECTED, ErrorKind.CONTENT),  # too big for the system
    "5.4.4": (_REJECTED, ErrorKind.INVALID_ADDRESS),  # unable to route
    "5.5.2": (_REJECTED, ErrorKind.CONTENT),
    "5.6.0": (_REJECTED, ErrorKind.CONTENT),
    "5.6.7": (_REJECTED, ErrorKind.INVALID_ADDRESS),  # the server takes no international address
    "5.7.0": (_RETRY, ErrorKind.CONFIG),
    "5.7.1": (_REJECTED, ErrorKind.POLICY),
    "5.7.8": (_RETRY, ErrorKind.CONFIG),  # credentials
    "5.7.9": (_RETRY, ErrorKind.CONFIG),
    "5.7.13": (_RETRY, ErrorKind.CONFIG),  # account disabled
    "5.7.20": (_RETRY, ErrorKind.CONFIG),  # no passing DKIM signature
    "5.7.23": (_RETRY, ErrorKind.CONFIG),  # SPF
    "5.7.25": (_RETRY, ErrorKind.CONFIG),  # reverse DNS
    "5.7.26": (_RETRY, ErrorKind.CONFIG),  # DMARC
    "5.7.27": (_RETRY, ErrorKind.CONFIG),
    "5.7.515": (_RETRY, ErrorKind.CONFIG),  # Microsoft: the sender is not authenticated
    "4.2.1": (_THROTTLED, ErrorKind.RATE),  # this mailbox receives too fast
    "4.4.5": (_THROTTLED, ErrorKind.RATE),
    "4.5.3": (_THROTTLED, ErrorKind.RATE),
    "4.7.28": (_THROTTLED, ErrorKind.RATE),  # Gmail: unusual rate
}

#: Three-digit replies by phase, then for any phase (None).
CODES = {
    ("mail", 552): (_REJECTED, ErrorKind.CONTENT),
    ("rcpt", 550): (_REJECTED, ErrorKind.INVALID_ADDRESS),
    ("rcpt", 551): (_REJECTED, ErrorKind.INVALID_ADDRESS),
    ("rcpt", 552): (_REJECTED, ErrorKind.PROVIDER),
    ("rcpt", 553): (_REJECTED, ErrorKind.INVALID_ADDRESS),
    ("rcpt", 501): (_REJECTED, ErrorKind.INVALID_ADDRESS),
    ("rcpt", 554): (_REJECTED, ErrorKind.POLICY),
    ("data", 550): (_REJECTED, ErrorKind.CONTENT),
    ("data", 552): (_REJECTED, ErrorKind.CONTENT),
    ("data", 554): (_REJECTED, ErrorKind.CONTENT),
    (None, 421): (_THROTTLED, ErrorKind.RATE),
    (None, 450): (_RETRY, ErrorKind.PROVIDER),
    (None, 451): (_RETRY, ErrorKind.PROVIDER),
    (None, 452): (_RETRY, ErrorKind.PROVIDER),
    (None, 454): (_RETRY, ErrorKind.PROVIDER),
    (None, 530): (_RETRY, ErrorKind.CONFIG),
    (None, 534): (_RETRY, ErrorKind.CONFIG),
    (None, 535): (_RETRY, ErrorKind.CONFIG),
    (None, 538): (_RETRY, ErrorKind.CONFIG),
}

#: By the first digit: what nobody has listed is the provider's.
CLASSES = {"4": (_RETRY, ErrorKind.PROVIDER), "5": (_REJECTED, ErrorKind.PROVIDER)}

_WAIT = {ErrorKind.RATE: 60.0, ErrorKind.PROVIDER: 300.0}
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_ADDRESS = re.compile(r"<?[^\s<>]+@[^\s<>:]+>?")


def receipt_of(phase: str, code: int, text: str) -> Receipt:
    """The receipt of a refusal in a phase of PHASES. Addresses are taken out of the server's words."""
    enhanced = _ENHANCED.match(text)
    status = enhanced[1] if enhanced else ""
    meaning = CODES[None, 421] if code == 421 else STATUS.get(status)
    if phase in ("connect", "login", "mail") and code // 100 == 5 and meaning != (_REJECTED, ErrorKind.CONTENT):
        # No recipient has been named yet: it is us whom the relay refuses.
        meaning = CODES.get((phase, code), (_RETRY, ErrorKind.CONFIG))
    # Sadly, a relay that does not know us says so in words only: 554 5.7.1 is also a verdict on the content.
    if phase == "rcpt" and "relay" in text.lower() and code // 100 == 5:
        meaning = _RETRY, ErrorKind.CONFIG
    meaning = meaning or CODES.get((phase, code)) or CODES.get((None, code)) or CLASSES.get(str(code)[:1])
    outcome, error = meaning or (_RETRY, ErrorKind.PROVIDER)
    wait = _WAIT.get(error) if outcome in (_RETRY, _THROTTLED) else None
    said = _ADDRESS.sub("<address>", text).strip()[:200]
    return Receipt(outcome, error=error, code=f"{code} {status}".strip(), detail=said, retry_after=wait)
