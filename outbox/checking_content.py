"""Whether a printed message is fit to leave: who writes, how to stop it, how long it is, what is missing."""

import re
from collections.abc import Iterator, Mapping
from email.utils import parseaddr
from html import unescape
from typing import Any

from marketing.house import House
from marketing.steps import Purpose

__all__ = ["of_content"]

#: Gmail cuts a longer page and hides the rest, and with it the link for unsubscribing: all guides say 102 KB, a test found
#: 105 (https://www.spamresource.com/2022/01/what-is-gmail-clipping-and-what-to-do.html).
CLIPPED = 102 * 1024
#: Where subjects are cut: seen on telephones from about 40 characters, on every screen from here.
SUBJECT = 150
#: The characters of one text message, and of the ten that providers join at most.
ONE_SMS, TEN_SMS = 160, 1530
#: The letters and digits that a telephone shows as the sender of a text message (GSM 03.40: eleven).
SMS_SENDER = 11
_STOP = re.compile(r"\bSTOP\b")
_MARKUP = re.compile(r"<(style|script|title|head)\b.*?</\1>|<!--.*?-->|<[^>]*>", re.I | re.S)
_CONTROL = re.compile(r"[\r\n\v\f\x85\u2028\u2029]")
_NOBODY = re.compile(r"(?i)(no|do-?not|ne-?pas)[-_.]?(reply|repondre|répondre)")

Found = Iterator[tuple[str, bool, str]]


def of_content(content: Mapping[str, str], channel: str, purpose: str | None, row: Mapping[str, Any], house: House,
               replies: bool = False) -> Found:
    """(rule, whether it blocks, sentence) of what is wrong with a message; `replies`: the chain listens for answers to it."""
    asked = purpose != Purpose.TRANSACTIONAL
    if channel == "email":
        yield from _of_head(content, house)
        yield from _of_mail(content)
        yield from _of_answers(content, replies)
        yield from _of_unsubscribing(content, row, house) if asked else ()
    elif channel == "sms":
        yield from _of_sms(content, asked)
    else:
        body = next((content[name] for name in ("html", "script", "text") if name in content), "")
        if not _said(body):
            yield "empty_body", True, "The message says nothing: write it below the line ---."


def _said(page: str) -> str:
    """The words of a page."""
    return unescape(_MARKUP.sub(" ", page)).strip()


def _of_head(content: Mapping[str, str], house: House) -> Found:
    subject, sender = content.get("subject", ""), content.get("sender", "")
    if not subject.strip():
        yield "no_subject", True, "The subject is empty: write one, or fill in the parameter that it prints."
    if _CONTROL.search(subject):
        yield "subject_lines", True, "The subject has a line break: write it in one line, and make the parameter in it a Line."
    if len(subject) > SUBJECT:
        yield ("long_subject", False, f"The subject has {len(subject)} characters, and mailboxes show {SUBJECT} at most: "
                                      "shorten it.")
    if not sender.strip():
        yield from _of_connector(house)
    for field in ("sender", "reply_to"):
        written = content.get(field, "")
        address = parseaddr(written)[1]
        if written.strip() and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address):
            yield f"bad_{field}", True, f"The {field} {written!r} holds no address: write {field}: Name <name@your-domain>"
        elif written.strip() and house.environment == "live" and address.endswith((".example", ".invalid", ".test")):
            yield (f"bad_{field}", True,
                   f"The {field} {written!r} is at a domain kept for examples, which nobody takes mail from: write your own.")


def _of_connector(house: House) -> Found:
    settings = house.connectors.get(house.channels.get("email", ""), {})
    if not settings.get("sender"):
        kept = "block" in settings
        yield ("no_sender", not kept, "The message names no sender" + (
            ": unless the Block of the connector has one, it cannot leave; write sender: Name <name@your-domain> at its top."
            if kept else ", nor does the connector in house.toml: write sender: Name <name@your-domain> at its top."))


def _of_mail(content: Mapping[str, str]) -> Found:
    html, text = content.get("html", ""), content.get("text", "")
    size = len(html.encode())
    if not _said(html) and "<img" not in html.lower():
        yield "empty_body", True, "The message says nothing: write it below the line ---."
        return
    if not text.strip():
        yield ("no_text", True, "The text part is empty, which spam filters and plain mail programmes turn away: "
                                "write words, or give each image an alt text.")
    if size > CLIPPED:
        yield ("oversized", True, f"The page has {size / 1024:,.0f} kB; Gmail hides what comes after {CLIPPED // 1024} kB, the "
                                  "link for unsubscribing first: shorten it.")


def _of_unsubscribing(content: Mapping[str, str], row: Mapping[str, Any], house: House) -> Found:
    url = row["unsubscribe_url"]
    if "unsubscribe" not in house.urls:
        yield ("no_unsubscribe", True, "The house has no page for unsubscribing, so the link leads nowhere: "
                                       "house.toml, [urls], unsubscribe = \"https://…\"")
    for part, where in (("html", "page"), ("text", "text part")):
        if url not in unescape(content.get(part, "")):
            yield ("no_unsubscribe", True, f"The {where} has no link for unsubscribing: write {{{{ unsubscribe_url }}}} as its "
                                           "address, or take the layout of chains/_shared.")


def _of_answers(content: Mapping[str, str], replies: bool) -> Found:
    written = content.get("reply_to") or content.get("sender") or ""
    if _NOBODY.search(parseaddr(written)[1]):
        yield ("no_reply", replies, f"Answers go to {written!r}, which nobody reads" + (
            ", and the chain waits for them: write reply_to: with a mailbox that is read." if replies else
            ": write reply_to: with a mailbox that is read."))


def _of_sms(content: Mapping[str, str], asked: bool) -> Found:
    text, sender = content.get("text", "").strip(), content.get("sender", "").strip()
    if not text:
        yield "empty_body", True, "The message says nothing: write it."
    elif asked and not _STOP.search(text):
        yield ("no_stop", True, "The text does not say how to stop: write STOP and the number, as "
                                '{% include "stop.en.sms.j2" %} does.')
    if len(text) > TEN_SMS:
        yield "oversized", True, f"The text has {len(text):,} characters, and providers take {TEN_SMS:,} at most: shorten it."
    elif len(text) > ONE_SMS:
        yield ("long_sms", False, f"The text has {len(text)} characters, and one message holds {ONE_SMS}: it is paid for "
                                  "more than once.")
    if re.search("[^0-9+ ]", sender) and len(sender) > SMS_SENDER:
        yield ("bad_sender", True, f"The sender {sender!r} is longer than the {SMS_SENDER} characters that a telephone shows: "
                                   "shorten it.")
