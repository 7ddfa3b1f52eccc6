"""What would be sent, as files that a person can open: the first of each step and wave, the rest counted."""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import Field

from connectors.base import (
    ACCEPTED, Base, Capabilities, ConnectorDown, ErrorKind, Health, Outcome, Outgoing, Receipt, Settings,
)
from connectors.mime import BadAddress, Letterhead, address_of
from connectors.sink import Sink, read
from marketing.channels import EMAIL, PHONE, POST, SMS, VOICE

__all__ = ["CONNECTOR", "Folder", "FolderSettings"]

_CHANNELS = frozenset({EMAIL, SMS, PHONE, POST, VOICE})
_DUPLICATE = Receipt(Outcome.DUPLICATE)
#: The list of keys of a step and wave, from which its count is made.
_KEYS, _INDEX = "sent.tsv", "index.json"


class FolderSettings(Settings):
    """Where the files go, and how many of each step and wave are written out."""

    path: Path
    channels: frozenset[str] = _CHANNELS
    show: int = Field(20, ge=0, description="Messages written out per step and wave; the rest are counted")
    sender: str = Field("Relance <relance@example.org>", description="Where a message names no sender")
    max_batch: int = Field(1000, ge=1)
    fsync: bool = False


class Folder(Base):
    """Writes <path>/<chain>/<step>/wave-<n>/ with the files, sent.tsv (a line per touch) and index.json (counts)."""

    Settings = FolderSettings
    settings: FolderSettings

    def __init__(self, name: str, settings: FolderSettings):
        super().__init__(name, settings)
        self._head = Letterhead(settings.sender)
        self._sinks: dict[Path, Sink] = {}

    def capabilities(self) -> Capabilities:
        """Any channel, any clock, no real address; a key handed over twice is a duplicate."""
        s = self.settings
        return Capabilities(channels=s.channels, max_batch=s.max_batch, idempotent=True, lookup=True, simulated_clock=True)

    def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Receipt]:
        """Write or count each row. Raises ConnectorDown where not even the first can be written."""
        places: dict[Path, list[int]] = defaultdict(list)
        for i, touch in enumerate(batch):
            places[self._place(touch.tags)].append(i)
        receipts: list[Receipt] = [ACCEPTED] * len(batch)
        failed = 0
        for place, rows in places.items():
            try:
                for i, receipt in zip(rows, self._file(place, [batch[i] for i in rows], now)):
                    receipts[i] = receipt
            except OSError as error:
                failed += len(rows)
                receipt = Receipt(Outcome.RETRY, error=ErrorKind.CONFIG, code=error.strerror, detail=f"cannot write in {place}")
                for i in rows:
                    receipts[i] = receipt
        if failed and failed == len(batch):
            raise ConnectorDown(f"connector {self.name!r} cannot write in {place}: {receipt.code}", ErrorKind.CONFIG)
        return receipts

    def _place(self, tags: Mapping[str, str]) -> Path:
        chain, step, wave = (_safe(tags.get(name, "")) for name in ("chain", "step", "wave"))
        # Proofs and copies for seeds lie apart: a step's folder counts its touches.
        top = self.settings.path / f"_{_safe(tags['copy'])}" if "copy" in tags else self.settings.path
        return top / chain / step / f"wave-{wave}"

    def _file(self, place: Path, touches: Sequence[Outgoing], now: datetime) -> list[Receipt]:
        sink = self._sinks.get(place)
        if sink is None:
            sink = self._sinks[place] = Sink(place / _KEYS, remember=True, fsync=self.settings.fsync)
        receipts, fresh = [], {}
        with sink.locked():
            for touch in touches:
                new = touch.key not in sink.keys and touch.key not in fresh
                receipts.append(ACCEPTED if new else _DUPLICATE)
                if new:
                    fresh[touch.key] = touch
            # The files come first: a kill between the two leaves files that the next call writes again.
            for touch in list(fresh.values())[: max(0, self.settings.show - len(sink.keys))]:
                self._write(place, touch, now)
            sink.append((t.key, t.contact_id, _channel(t), t.tags.get("step", ""), now.isoformat()) for t in fresh.values())
            if fresh:
                self._index(place, sink, touches[0].tags)
        return receipts

    def _write(self, place: Path, touch: Outgoing, now: datetime) -> None:
        key = _safe(touch.key)  # of a copy whole: no contact tells it from the next
        stem = f"contact-{touch.contact_id}-{key if 'copy' in touch.tags else key[:12]}"
        for suffix, data in self._drawn(touch, now):
            _put(place / f"{stem}{suffix}", data)

    def _drawn(self, touch: Outgoing, now: datetime) -> Iterable[tuple[str, bytes]]:
        channel, content = _channel(touch), touch.content
        if isinstance(content, bytes):
            return [(".eml" if channel == EMAIL else ".bin", content)]
        if channel == EMAIL:
            try:
                to = address_of(touch.address)
            except BadAddress:
                to = "undisclosed-recipients:;"
            return [(".eml", self._head.build(touch, to, now))]
        if channel == POST and content.get("html"):
            return [(".html", content["html"].encode())]
        body = content.get("script") or content.get("text", "")
        top = "".join(f"{name}: {value}\n" for name, value in (
            ("To", touch.address), ("From", content.get("sender")), ("Title", content.get("title"))) if value)
        return [({SMS: ".sms.txt", PHONE: ".call.txt", VOICE: ".voice.txt"}.get(channel, ".txt"), f"{top}\n{body}\n".encode())]

    def _index(self, place: Path, sink: Sink, tags: Mapping[str, str]) -> None:
        shown = sorted(p.name for p in place.iterdir() if p.name.startswith("contact-"))
        words = {name: tags[name] for name in ("chain", "step", "wave") if name in tags}
        index = words | {"accepted": len(sink.keys), "shown": len(shown), "last_run": tags.get("run", ""), "files": shown}
        _put(place / _INDEX, json.dumps(index, indent=2, ensure_ascii=False).encode())

    def lookup(self, keys: Sequence[str]) -> Mapping[str, Receipt]:
        """ACCEPTED for every key in any step and wave, RETRY for the others."""
        taken = {row[0] for file in self.settings.path.glob(f"*/*/*/{_KEYS}") for row in read(file)}
        never = Receipt(Outcome.RETRY, error=ErrorKind.NETWORK, code="never_seen")
        return {key: ACCEPTED if key in taken else never for key in keys}

    def counts(self) -> Counter[tuple[str, str, str]]:
        """Touches accepted by (chain, step, wave), from the lists themselves."""
        files = self.settings.path.glob(f"*/*/*/{_KEYS}")
        return Counter({(f.parts[-4], f.parts[-3], f.parts[-2].removeprefix("wave-")): len(read(f)) for f in files})

    def check(self) -> Health:
        """Whether the folder can be written to."""
        try:
            self.settings.path.mkdir(parents=True, exist_ok=True)
            _put(self.settings.path / ".check", b"")
            (self.settings.path / ".check").unlink()
        except OSError as error:
            return Health(ok=False, problems=(f"path: cannot write in {self.settings.path}: {error.strerror}",))
        return Health(ok=True, detail=str(self.settings.path))

    def close(self) -> None:
        """Let go of the files."""
        for sink in self._sinks.values():
            sink.close()


def _channel(touch: Outgoing) -> str:
    if "channel" in touch.tags:
        return touch.tags["channel"]
    content = touch.content
    if isinstance(content, bytes) or "subject" in content:
        return EMAIL
    return PHONE if "script" in content else POST if "html" in content else SMS


def _safe(word: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", word) or "none"


def _put(file: Path, data: bytes) -> None:
    """Write whole or not at all: a reader never meets half a file."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    unfinished.write_bytes(data)
    unfinished.replace(file)


CONNECTOR = Folder
