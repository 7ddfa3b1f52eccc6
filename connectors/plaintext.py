"""The text of an HTML page, as a person would type it: paragraphs, lists, links in brackets."""

from __future__ import annotations

import re
from html.parser import HTMLParser

__all__ = ["plain_text"]

_PARAGRAPH = frozenset("p h1 h2 h3 h4 h5 h6 ul ol table blockquote section header footer article main hr".split())
_LINE = frozenset("div tr li br center dt dd pre address".split())
_SKIP = frozenset("head style script title".split())
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_MARK = re.compile(r"qzj(\d+)jzq")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._skipping: list[str] = []
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        hidden = tag in _SKIP or "display:none" in (given.get("style") or "").replace(" ", "").lower()
        if self._skipping or hidden:
            # Only the same name nests: an unclosed <p> inside must not swallow what follows.
            if tag not in _VOID and (not self._skipping or tag == self._skipping[0]):
                self._skipping.append(tag)
            return
        self._break(tag)
        if tag == "li":
            self.out.append("- ")
        elif tag == "hr":
            self.out.append("----\n\n")
        elif tag in ("td", "th"):
            self.out.append(" ")
        elif tag == "img" and given.get("alt"):
            self.out.append(given["alt"])
        elif tag == "a":
            self._links.append((given.get("href") or "", len(self.out)))

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            if tag == self._skipping[0]:
                self._skipping.pop()
            return
        if tag == "a" and self._links:
            href, start = self._links.pop()
            words = "".join(self.out[start:]).strip()
            if href and not href.startswith("#") and words != href:
                self.out.append(f" ({href.removeprefix('mailto:')})" if words else href)
        self._break(tag)

    def _break(self, tag: str) -> None:
        if tag in _PARAGRAPH:
            self.out.append("\n\n")
        elif tag in _LINE:
            self.out.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.out.append(re.sub(r"[ \t\r\n]+", " ", data))

    def handle_comment(self, data: str) -> None:
        if not self._skipping and _MARK.fullmatch(data):
            self.out.append(data)


def plain_text(page: str, tags: frozenset[int]) -> str:
    """Text of a page whose template tags are marks; `tags` are the marks that print nothing.

    A line of such marks alone is no line of the text: it joins the next one.
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    out, blank = [], True
    for line in "".join(reader.out).split("\n"):
        line = re.sub(r" {2,}", " ", line).strip()
        marks = _MARK.findall(line)
        if marks and not _MARK.sub("", line).strip() and all(int(n) in tags for n in marks):
            out.append(line.replace(" ", ""))
        elif line or not blank:
            out.append(line + "\n")
            blank = not line
    return "".join(out).strip() + "\n"
