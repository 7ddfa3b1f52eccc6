"""An append-only file of accepted keys: one line per touch really taken, whoever is killed when."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Sink", "read"]

_FIELDS = 5


def _line(fields: Sequence[object]) -> str:
    return "\t".join(str(f).translate(_PLAIN) for f in fields) + "\n"


_PLAIN = {ord(c): " " for c in "\t\r\n"}


def read(path: Path | str) -> list[tuple[str, ...]]:
    """The lines of a sink as (key, contact_id, address, step, sent_at), in the order of acceptance.

    A line that a kill cut short was never accepted, and is left out. No file is an empty sink.
    """
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    whole = text[: text.rfind("\n") + 1]
    rows = (tuple(line.split("\t")) for line in whole.splitlines())
    return [row for row in rows if len(row) == _FIELDS]


class Sink:
    """A file that many processes append to. Keys already in it can be asked for, if `remember`."""

    def __init__(self, path: Path | str, *, remember: bool = False, fsync: bool = False):
        self.path = Path(path)
        self.remember = remember
        self.fsync = fsync
        self.keys: set[str] = set()
        self._read_to = 0
        self._file: int | None = None

    @contextmanager
    def locked(self) -> Iterator[Sink]:
        """Hold the file for one look and append: what `keys` says is true until the end."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            self._catch_up()
            yield self
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _catch_up(self) -> None:
        end = os.fstat(self._file).st_size
        if end and os.pread(self._file, 1, end - 1) != b"\n":
            # A kill can cut a write between two pages: close the torn line, so that the next one stands alone.
            end += os.write(self._file, b"\n")
        if self.remember and end > self._read_to:
            text = os.pread(self._file, end - self._read_to, self._read_to).decode("utf-8", "replace")
            rows = (line.split("\t") for line in text.splitlines())
            self.keys.update(row[0] for row in rows if len(row) == _FIELDS)
        self._read_to = end

    def append(self, rows: Iterable[Sequence[object]], *, one_by_one: bool = False) -> None:
        """Add (key, contact_id, address, step, sent_at) rows with one write, or one write each; needs `locked`."""
        rows = list(rows)
        lines = [_line(row) for row in rows]
        for text in lines if one_by_one else ["".join(lines)]:
            data = memoryview(text.encode())
            while data:
                data = data[os.write(self._file, data):]
        if self.fsync:
            os.fsync(self._file)
        if self.remember:
            self.keys.update(str(row[0]) for row in rows)
        self._read_to = os.fstat(self._file).st_size

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
