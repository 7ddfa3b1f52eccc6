"""Checks before sending: what is wrong with the messages of a chain, said before anybody gets one."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import warehouse as warehouse_package
from marketing.chain import Chain, WaveParams
from marketing.files import HEAD_END, audience_file
from marketing.graph import compile
from marketing.responses import REPLIED
from outbox.checking_content import of_content
from outbox.checking_links import links, of_links
from outbox.checking_plan import listens, of_calls, of_incentives, of_offers, of_waits, sendings
from outbox.checking_values import Patterns, of_values, patterns, read_in
from outbox.inventing import Printed, printed

__all__ = ["Finding", "checks"]

#: Follows a link: None where it answers, else whether it is surely dead, and what it said.
Reach = Callable[[str], tuple[bool, str] | None]
#: What in a message's file says nothing: tags that print nothing, comments, markup without an image.
_FRAME = re.compile(r"\{%(?!-?\s*include)[^%]*%\}|\{#.*?#\}|<(?!img\b)[^>]*>|&nbsp;", re.S)
_SHARED = Path(warehouse_package.__file__).parent / "audiences"


@dataclass(frozen=True)
class Finding:
    """One thing to mend, in a sentence that names the fix; `blocking` where the message must not leave as it is.

    What concerns the whole chain has no step, and what concerns a step no message. `kind` is the channel, as in the file's
    name; the language is "" for a file that serves all.
    """

    step: str | None
    message: str | None
    language: str | None
    kind: str | None
    blocking: bool
    sentence: str
    rule: str


def checks(wired, chain: Chain, params: WaveParams | Mapping[str, Any] | None = None, reach: Reach | None = None
           ) -> list[Finding]:
    """Everything that stands against sending a chain now, with these parameters of the wave (the default ones where none
    are given): each message in each language, printed for somebody invented; each value that the present audience lacks;
    offers, incentives and answers. What blocks comes first. Nobody is written to, and no link is followed unless `reach`
    follows it: None where it answers, else whether it is surely dead and what it said.

    Raises pydantic.ValidationError for parameters that the chain's form would refuse.
    """
    asked = params if isinstance(params, WaveParams) else chain.params(**(params or {}))
    return sorted(_Checking(wired, chain, asked, reach).findings(), key=lambda finding: not finding.blocking)


class _Checking:
    """One chain with the parameters of one wave; every message is printed once, for all checks."""

    def __init__(self, wired, chain: Chain, asked: WaveParams, reach: Reach | None):
        self.reach = reach
        self.wired, self.chain, self.graph = wired, chain, compile(chain)
        self.house, self.policy = wired.warehouse.house, wired.warehouse.policy
        self.asked, self.params = asked.model_dump(mode="json"), dict(asked)
        self.now = wired.warehouse.clock.now()
        with wired.warehouse.snapshot() as snapshot:
            schema = snapshot.sql("SELECT * FROM contacts LIMIT 0").schema
            self.columns = schema.names
            self.messages = printed(wired, chain, self.graph, self.asked, schema)
            self.found, self.uncounted = self._patterns(snapshot)

    def _patterns(self, snapshot) -> tuple[Patterns | None, str | None]:
        """What the audience lacks, or why nobody can be counted."""
        path = audience_file(self.chain.audience, [self.wired.messages.folder / self.chain.name, _SHARED])
        if path is None:
            return None, f"The audience {self.chain.audience} has no query: nobody was counted."
        names = sorted({name for one in self.messages if one.message for name in one.message.variables} & set(self.columns)
                       - {"contact_id", "language", "zone"})
        query = path.read_text(encoding="utf-8").rstrip().rstrip(";")
        return patterns(snapshot, query, names, {**self.asked, "as_of": self.now}), None

    def findings(self) -> Iterator[Finding]:
        """Every finding, message by message, then of the chain."""
        heard = listens(self.graph)
        for one in self.messages:
            for rule, blocking, sentence in self._of_message(one, REPLIED in heard.get(one.step.name, ())):
                yield _finding(one, rule, blocking, sentence)
        when = sendings(self.graph, self.now, self.house.zone)
        for one, *said in of_offers(self.params, self.messages, when, self.now, self.house.zone):
            yield _finding(one, *said)
        for step, lacking in of_calls(self.graph, self.policy.hours, self.house.costs).items():
            for rule, blocking, sentence in lacking:
                yield Finding(step, None, None, "phone", blocking, sentence, rule)
        for said in self._of_chain():
            yield _finding(None, *said)

    def _of_message(self, one: Printed, replies: bool) -> Iterator[tuple[str, bool, str]]:
        if one.error:
            yield "unprintable", True, f"The message cannot be printed: {one.error}"
        elif one.message:
            files = {language: read_in(self.wired, self.chain.name, one, language) for language, _ in self.found or ()}
            yield from of_values(one, self.found, self.columns, files)
            if one.message.marked_safe:
                yield ("markup", True, "The message prints something with |safe or {% autoescape false %}, so that what is typed "
                                       "into a form or a contact's name could change the page: take it out.")
        if one.content:
            if self._wordless(one):
                yield "empty_body", True, "The message says nothing of its own: write it into the block of its layout."
            yield from of_content(one.content, one.channel, one.step.purpose, one.row, self.house, replies)
            yield from of_links(one.content, self.house.environment == "live")
            yield from self._unreached(one)

    def _wordless(self, one: Printed) -> bool:
        """Whether the file fills its layout with nothing, so that the words of the layout alone would leave."""
        path = self.wired.messages.find(self.chain.name, one.step.message, one.channel, one.language)
        body = HEAD_END.split(path.read_text(encoding="utf-8-sig"), maxsplit=1)[-1]
        return "{% extends" in body and not _FRAME.sub("", body).strip()

    def _unreached(self, one: Printed) -> Iterator[tuple[str, bool, str]]:
        for image, url in links(one.content) if self.reach else ():
            # Somebody invented is unsubscribed nowhere.
            if url.startswith(("https://", "http://")) and url != one.row["unsubscribe_url"] and (said := self.reach(url)):
                what = "image" if image else "link"
                yield f"dead_{what}", said[0], f"The {what} {url.partition('?')[0]} {said[1]}"

    def _of_chain(self) -> Iterator[tuple[str, bool, str]]:
        yield from of_waits(self.graph, self.messages)
        if self.uncounted:
            yield "no_audience", True, self.uncounted
        elif not self.found:
            yield "no_audience", False, "The audience finds nobody now, so that no missing value could be counted."
        yield from of_incentives(self.params, sum((self.found or {}).values()), self.house.currency)
        for name, field in self.chain.params.model_fields.items():
            if field.annotation is str and not any(hasattr(limit, "max_length") for limit in field.metadata):
                yield ("endless_text", False, f"The parameter {name} takes a text of any length: give its Field a max_length=, "
                                              "and make it a Line where it stands in a subject.")


def _finding(one: Printed | None, rule: str, blocking: bool, sentence: str) -> Finding:
    place = (one.step.name, one.step.message, one.language, one.channel) if one else (None, None, None, None)
    return Finding(*place, blocking, sentence, rule)
