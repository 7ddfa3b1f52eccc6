"""Messages as files: found by chain, name, channel and language, compiled once, printed per contact."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError

from connectors.layout import BadTemplate
from connectors.sandbox import Environment, Unfilled
from connectors.tagging import Tagging
from connectors.template import Compiled, parts_of

__all__ = ["FIELDS", "BadTemplate", "Message", "Messages", "MissingMessage", "MissingValue", "RenderFailed"]

#: What the head of a message file may say, by channel; the first is required of an e-mail.
FIELDS = {
    "email": ("subject", "preheader", "sender", "reply_to"),
    "sms": ("sender",),
    "post": ("title",),
    "phone": ("title",),
    "voice": ("title", "voice"),
}
#: Channels whose body is HTML; of the others it is text.
_HTML = frozenset({"email", "post"})
#: What the body of the other channels is called in the content.
_BODY = {"phone": "script", "voice": "script"}


class MissingMessage(LookupError):
    """No file has this message for this channel and language."""


class RenderFailed(ValueError):
    """A message cannot be printed for one contact; the others are not concerned."""

    def __init__(self, message: str, contact: Any, reason: str):
        super().__init__(f"message {message}: contact {contact}: {reason}")
        self.message, self.contact, self.reason = message, contact, reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.contact, self.reason)


class MissingValue(RenderFailed):
    """A variable that the message prints has no value for this contact."""

    def __init__(self, message: str, contact: Any, variable: str):
        fix = f"load one, or give the message a fall-back: {{{{ {variable} or '…' }}}}"
        super().__init__(message, contact, f"{variable!r} has no value; {fix}")
        self.variable = variable

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.contact, self.variable)


class Message:
    """One file, compiled. `variables` are what it takes from a row; `digest` is the hash of all it is made of."""

    def __init__(self, label: str, channel: str, language: str, digest: str, compiled: Compiled, fixed: dict[str, str]):
        self.label, self.channel, self.language, self.digest = label, channel, language, digest
        self.variables = compiled.variables
        self._compiled = compiled
        self._fixed = fixed
        body = _BODY.get(channel)
        self._bound: dict[str, Message] = {}
        self._names = tuple(body if body and n == "text" else n for n in compiled.names)

    def __repr__(self) -> str:
        return f"Message({self.label!r}, {self.digest[:12]})"

    def bind(self, constants: Mapping[str, Any], tagging: Tagging | None = None) -> Message:
        """This message for rows that share some values (`params`, `house`): they are compiled in, and printed for nothing.

        Costs a compilation (some ms) the first time for the same values; the rows need not carry them. `tagging` puts the
        house's campaign tags on its links.
        """
        key = repr((sorted(constants.items()), tagging))
        if key not in self._bound:
            if len(self._bound) >= 64:
                self._bound.clear()
            compiled = self._compiled.bind(constants, tagging)
            self._bound[key] = Message(self.label, self.channel, self.language, self.digest, compiled, self._fixed)
        return self._bound[key]

    def parameters(self) -> frozenset[str]:
        """The wave parameters that it reads."""
        return self._compiled.reads("params")

    @property
    def marked_safe(self) -> bool:
        """Whether it prints something into a page without escaping it."""
        return self._compiled.marked_safe

    def render(self, row: Mapping[str, Any]) -> dict[str, str]:
        """The content for one contact: email subject, preheader, sender, html, text; sms text; post html, text;
        phone and voice script. An e-mail carries the row's unsubscribe_url along.

        Raises MissingValue or RenderFailed for this contact alone; neither repeats a value of the row.
        """
        try:
            parts = self._compiled.parts(row)
        except Unfilled as error:
            raise MissingValue(self.label, row.get("contact_id"), error.variable) from None
        except Exception as error:
            raise RenderFailed(self.label, row.get("contact_id"), _reason(error)) from None
        content = self._fixed | dict(zip(self._names, parts))
        if self.channel == "email" and "unsubscribe_url" in row:
            content["unsubscribe_url"] = row["unsubscribe_url"]
        return content


def _reason(error: Exception) -> str:
    # The text of a Python error may quote the value it met, and a value is personal data.
    return error.message if isinstance(error, TemplateError) and error.message else type(error).__name__


class Messages:
    """The messages of a folder of chains; a changed file is read again, the same content is compiled once."""

    def __init__(self, folder: Path | str, language: str = "en"):
        self.folder = Path(folder)
        self.language = language
        self._seen: dict[Path, tuple[tuple[Any, ...], Message]] = {}

    def languages(self, chain: str, message: str, channel: str) -> tuple[str, ...]:
        """The languages a message is written in, sorted; "" is the file for all the others."""
        files = [f.name.split(".") for f in self._messages(chain).glob(f"{message}.*.j2")]
        found = {tuple(middle) for name, *middle, kind, _ in files if (name, kind) == (message, channel)}
        return tuple(sorted("".join(middle) for middle in found if len(middle) <= 1))

    def digests(self, chain: str) -> dict[str, str]:
        """The hash of each file of a chain's messages, by name; a file that has not changed is read once."""
        found = {}
        for path in sorted(self._messages(chain).glob("*.j2")):
            stat = path.stat()
            found[path.name] = _digest(path, stat.st_mtime_ns, stat.st_size)
        return found

    def find(self, chain: str, message: str, channel: str, language: str = "") -> Path:
        """The file for a language: fr-CA, else fr, else the file for all, else the house's language."""
        wanted = language or self.language
        tries = dict.fromkeys([wanted, wanted.replace("_", "-").split("-")[0], "", self.language])
        names = [f"{message}.{t}.{channel}.j2" if t else f"{message}.{channel}.j2" for t in tries]
        for name in names:
            if (self._messages(chain) / name).is_file():
                return self._messages(chain) / name
        found = ", ".join(sorted(f.name for f in self._messages(chain).glob("*.j2"))) or "no file"
        raise MissingMessage(f"chain {chain!r} has no message {message!r} by {channel} in {wanted!r}: "
                             f"none of {', '.join(names)} in {chain}/messages; found {found}")

    def get(self, chain: str, message: str, channel: str, language: str = "") -> Message:
        """The message compiled. Raises MissingMessage or BadTemplate."""
        path = self.find(chain, message, channel, language)
        known = self._seen.get(path)
        if known and known[0] == _stamp(known[0]):
            return known[1]
        made, files = _compile(path, self.folder / "_shared", channel, f"{chain}/{path.name}")
        self._seen[path] = (_stamp([(f, None) for f in files]), made)
        return made

    def _messages(self, chain: str) -> Path:
        return self.folder / chain / "messages"


@lru_cache(4096)
def _digest(path: Path, _changed: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _stamp(files: Any) -> tuple[tuple[Path, tuple[int, int] | None], ...]:
    out = []
    for file, _ in files:
        try:
            stat = file.stat()
            out.append((file, (stat.st_mtime_ns, stat.st_size)))
        except OSError:
            out.append((file, None))
    return tuple(out)


_IMPORT = re.compile(r"""\{%-?\s*(?:import|from)\s+["'](?:text:)?([^"']+)""")
_COMPILED: dict[tuple[str, str], Message] = {}


def _compile(path: Path, shared: Path, channel: str, label: str) -> tuple[Message, list[Path]]:
    if channel not in FIELDS:
        raise BadTemplate(f"{label}: no message can be written for {channel!r}; channels are {', '.join(FIELDS)}")
    read = _Reader([path.parent, shared], label)
    language = path.name.split(".")[1] if path.name.count(".") == 3 else ""
    env = Environment(read, language)
    head, body = _head(read(path.name), channel, label)
    try:
        parts = parts_of(env, head, body, label, read, channel in _HTML)
    except TemplateSyntaxError as error:
        raise BadTemplate(f"{label}, line {error.lineno}: {error.message}") from None
    _read_imported(parts[-1].source, read)
    key = (label, read.digest())
    if key not in _COMPILED:
        fixed = dict.fromkeys(FIELDS[channel][:3], "") if channel == "email" else {}
        try:
            compiled = Compiled(env, parts, label)
        except TemplateError as error:
            raise BadTemplate(f"{label}: {error.message}") from None
        _COMPILED[key] = Message(label, channel, language, key[1], compiled, fixed | head)
    return _COMPILED[key], list(read.files)


def _read_imported(source: str, read: _Reader) -> None:
    """Read the files whose macros a source uses, and those that these use: they are part of the message's digest."""
    known = {file.name for file in read.files}
    for imported in dict.fromkeys(_IMPORT.findall(source)):
        text = read(imported)
        if PurePosixPath(imported).name not in known:
            _read_imported(text, read)


class _Reader:
    """Reads the files of one message from its search path, and remembers what it read."""

    def __init__(self, folders: list[Path], label: str):
        self.folders, self.label = folders, label
        self.files: dict[Path, bytes] = {}

    def __call__(self, name: str) -> str:
        if ".." in PurePosixPath(name).parts or name.startswith("/"):
            raise BadTemplate(f"{self.label}: {name!r} leaves the message's folder; name a file beside it or in _shared")
        for folder in self.folders:
            if (folder / name).is_file():
                data = self.files[folder / name] = (folder / name).read_bytes()
                try:
                    return data.decode("utf-8-sig").replace("\r\n", "\n")
                except UnicodeDecodeError as error:
                    raise BadTemplate(f"{self.label}: {name} is not UTF-8 at byte {error.start}; save it as UTF-8") from None
        found = sorted({f.name for folder in self.folders if folder.is_dir() for f in folder.iterdir() if f.is_file()})
        raise BadTemplate(f"{self.label}: no file {name!r} beside it or in _shared; found {', '.join(found) or 'nothing'}")

    def digest(self) -> str:
        parts = hashlib.sha256()
        for file, data in sorted(self.files.items(), key=lambda item: item[0].name):
            parts.update(f"{file.name}\0{len(data)}\0".encode() + data)
        return parts.hexdigest()


def _head(text: str, channel: str, label: str) -> tuple[dict[str, str], str]:
    """The fields above the line `---`, and the body below it; a file without that line is all body."""
    top, body = _cut(text)
    head: dict[str, str] = {}
    for n, written in enumerate(top.splitlines(), 1):
        if not written.strip() or written.startswith("#"):
            continue
        name, colon, value = written.partition(":")
        if not colon or name.strip() not in FIELDS[channel]:
            raise BadTemplate(f"{label}, line {n}: {written.strip()!r} is no field of a message by {channel}; "
                              f"write `field: value` with {', '.join(FIELDS[channel])}, then a line ---")
        head[name.strip()] = value.strip()
    if channel == "email" and not head.get("subject"):
        raise BadTemplate(f"{label}: an e-mail needs a subject; open the file with `subject: …` and a line ---")
    return head, body


def _cut(text: str) -> tuple[str, str]:
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if line.rstrip() == "---":
            return "\n".join(lines[:i]), "\n".join(lines[i + 1 :])
    return "", text
