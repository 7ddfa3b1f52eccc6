"""Campaign tags on the links of a message: in its source where the link is known there, in the print where it is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

__all__ = ["Tagging"]

_SHOW = r"\{\{.*?\}\}"
#: A link in the source of a page: the value of an href, which may hold quotes inside its Jinja.
_HREF = re.compile(rf"""(\bhref\s*=\s*)("(?:{_SHOW}|\{{%.*?%\}}|[^"])*"|'(?:{_SHOW}|\{{%.*?%\}}|[^'])*')""", re.I | re.S)
#: A link in the source of a text: it begins with its scheme or with a variable.
_BARE = re.compile(rf"""(?:https?://|{_SHOW})(?:{_SHOW}|\{{%.*?%\}}|[^\s<>"'(){{}}])*""", re.I)
_PRINTED_HREF = re.compile(r"""(\bhref\s*=\s*)("[^"]*"|'[^']*')""", re.I)
_PRINTED_BARE = re.compile(r"""https?://[^\s<>"'()]+""", re.I)
_PIECES = re.compile(f"({_SHOW})", re.S)
_NAME = re.compile(r"\{\{-?\s*([A-Za-z_][\w.]*)\s*-?\}\}")
_SITE = re.compile(r"https?://(?:[^/?#@]*@)?([^/?#]*)", re.I)
_FRAGMENT = re.compile("(?<!&)#")  # not that of an &#39;
#: What ends a sentence rather than a link.
_STOPS = ".,;:!?"
#: What leads to unsubscribing, and bears no tag.
_NEVER = "unsubscribe_url"


@dataclass(frozen=True)
class Tagging:
    """The tags of one message, for links to the `domains` and what lies below them; no link that begins with one of
    `never` bears any."""

    tags: tuple[tuple[str, str], ...]
    domains: tuple[str, ...]
    never: tuple[str, ...] = ()

    def link(self, url: str, joined: str = "&") -> str:
        """The link with the tags it has not got yet, before its fragment; one that is not the house's own as it is."""
        fragment = _FRAGMENT.search(url)
        end = fragment.start() if fragment else len(url)
        return url[:end] + self._missing(url[:end], joined) + url[end:]

    def printed(self, text: str, html: bool) -> str:
        """A printed part with its links tagged; those that are already stay as they are."""
        if html:
            return _PRINTED_HREF.sub(lambda found: _quoted(found, lambda url: self.link(url, "&amp;")), text)
        return _PRINTED_BARE.sub(lambda found: _sentence(found[0], self.link), text)

    def source(self, source: str, html: bool, values: Mapping[str, Any], derived: bool = False) -> tuple[str, bool]:
        """The Jinja source of a part with its links tagged, and whether links are left that only the print can tell.

        `values` are what the source may name that is known already. In a text `derived` from a page a variable is no link:
        where it is one, the page says so.
        """
        left = re.search(r"\{%-?\s*(import|from)\b", source) is not None  # the links of macros in other files

        def told(written: str) -> str:
            nonlocal left
            made = self._told(written, values, "&amp;" if html else "&")
            left = left or (made is None and not (derived and _varies(written, values)))
            return written if made is None else made

        if html:
            return _HREF.sub(lambda found: _quoted(found, told), source), left
        return _BARE.sub(lambda found: _sentence(found[0], told), source), left

    def _told(self, written: str, values: Mapping[str, Any], joined: str) -> str | None:
        """The source of a link with its tags; None where only the print can tell."""
        if "{%" in written or "{#" in written:
            return None
        shape, at = "", 0
        for piece in _PIECES.split(written):
            if not piece.startswith("{{"):
                if fragment := _FRAGMENT.search(piece):
                    shape, at = shape + piece[:fragment.start()], at + fragment.start()
                    break
                shape, at = shape + piece, at + len(piece)
                continue
            name = _NAME.fullmatch(piece)
            if name and name[1] == _NEVER and not shape:
                return written
            value = _known(name[1], values) if name else None
            if "#" in (value or "") or (value is None and ("?" not in shape or shape[-1] in "?&;")):
                return None  # what it prints may be the site, the path, a fragment or a tag
            shape, at = shape + (value or "x"), at + len(piece)
        return written[:at] + self._missing(shape, joined) + written[at:]

    def _missing(self, url: str, joined: str) -> str:
        """What is to be added to a link without fragment: the tags it lacks, or nothing where it is not the house's own."""
        site = _SITE.match(url)
        host = site[1].lower() if site else ""
        hosts = (host, host.partition(":")[0])  # a domain is listed with its port or without
        own = any(one == domain or one.endswith(f".{domain}") for one in hosts for domain in self.domains)
        if not own or url.startswith(self.never):
            return ""
        lacking = [(name, value) for name, value in self.tags if not re.search(rf"[?&;]{re.escape(name)}(?:[=&;]|$)", url)]
        if not lacking:
            return ""
        between = "?" if "?" not in url else "" if url.endswith(("?", "&", "&amp;")) else joined
        return between + joined.join(f"{name}={quote(value, safe='')}" for name, value in lacking)


def _known(name: str, values: Mapping[str, Any]) -> str | None:
    """What a dotted name prints, where that is known before any contact is."""
    value: Any = values
    for word in name.split("."):
        value = value.get(word) if isinstance(value, Mapping) else None
    return str(value) if type(value) in (str, int, float) else None


def _varies(written: str, values: Mapping[str, Any]) -> bool:
    """Whether it begins with a variable of which nothing is known yet."""
    name = _NAME.match(written)
    return written.startswith("{{") and (name is None or _known(name[1], values) is None)


def _quoted(found: re.Match[str], change: Callable[[str], str]) -> str:
    """An attribute with the value between its quotes changed."""
    return f"{found[1]}{found[2][0]}{change(found[2][1:-1])}{found[2][-1]}"


def _sentence(written: str, change: Callable[[str], str]) -> str:
    """A link in a text changed, without the stop that ends the sentence."""
    link = written.rstrip(_STOPS)
    return change(link) + written[len(link):]
