"""Whether the links and images of a message lead anywhere, as far as can be told without asking anybody."""

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from urllib.parse import urlsplit

__all__ = ["links", "of_links"]

_BARE = re.compile(r"""\bhttps?://[^\s<>"'()]+""", re.I)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.I)
#: Names that RFC 2606 and RFC 6761 keep from the public: nothing real is there.
_RESERVED = ("example", "test", "localhost", "example.com", "example.net", "example.org")
_WRITTEN = ("mailto", "tel", "sms")


class _Links(HTMLParser):
    """What a page leads to: `found` are (whether an image, address)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[bool, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("a", "area") and "href" in given:
            self.found.append((False, given["href"] or ""))
        elif tag == "img":
            self.found.append((True, given.get("src") or ""))


def links(content: Mapping[str, str]) -> list[tuple[bool, str]]:
    """The (whether an image, address) of a message's content, each once, in their order."""
    if "html" in content:
        reader = _Links()
        reader.feed(content["html"])
        reader.close()
        return list(dict.fromkeys(reader.found))
    texts = (content.get(name, "") for name in ("text", "script"))
    return list(dict.fromkeys((False, found.rstrip(".,;:!?")) for text in texts for found in _BARE.findall(text)))


def of_links(content: Mapping[str, str], live: bool) -> Iterator[tuple[str, bool, str]]:
    """(rule, whether it blocks, sentence) of each link or image that leads nowhere; `live`: real people will follow it."""
    for image, url in links(content):
        what = "image" if image else "link"
        shown = f"{url[:77]}…" if len(url) > 78 else url
        if not url.strip() or url.strip() == "#":
            yield f"dead_{what}", True, f"{'An image' if image else 'A link'} has no address: write where it is."
            continue
        for blocking, said in _faults(url.strip(), image, live):
            yield f"dead_{what}" if blocking else f"unsafe_{what}", blocking, f"The {what} {shown} {said}"


def _faults(url: str, image: bool, live: bool) -> Iterator[tuple[bool, str]]:
    scheme = _SCHEME.match(url)
    if "{{" in url or "{%" in url:
        yield True, "holds a variable that was never filled in: close its curly brackets."
    elif url.startswith("#"):
        return  # a place in the page itself
    elif scheme is None:
        yield True, f"has no https:// before it, so that it leads nowhere from a mailbox: write https://{url.lstrip('/')}"
    elif image and scheme[1].lower() in ("cid", "data"):
        yield True, "is a part of the message itself, which is not sent along: name an address with https://"
    elif not image and scheme[1].lower() in _WRITTEN:
        if not url[scheme.end():].strip():
            yield True, "says nobody to write to or to call: write an address after it."
    elif scheme[1].lower() not in ("http", "https"):
        yield True, f"begins with {scheme[0]} which mail programmes do not open: write https://"
    else:
        yield from _of_site(url, live)


def _of_site(url: str, live: bool) -> Iterator[tuple[bool, str]]:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        yield True, "is no address of the web: copy it from a browser."
        return
    local = host == "localhost" or host.startswith("127.") or host == "::1"
    if re.search(r"\s", url) or ".." in host or not (local or re.fullmatch(r"[^.\s]+(\.[^.\s]+)+", host)):
        yield True, "is no address of the web: copy it from a browser."
    elif host.endswith(".invalid"):
        yield True, "leads to .invalid, where nothing can be: write the address that is meant (house.toml, [urls])."
    elif live and (local or host.endswith(tuple(f".{name}" for name in _RESERVED)) or host in _RESERVED):
        yield True, "leads to a name kept for examples, where no reader finds anything: write the address that is meant."
    elif parts.scheme.lower() == "http" and not local:
        yield False, "is not https: browsers warn of it; write https:// if the site has it."
