"""The rows of a text file, found by its line ends and quotes, so that one stray quote spoils one line only."""

import re
from dataclasses import dataclass

import numpy as np

__all__ = ["Broken", "Rows", "find_rows"]

#: A quoted cell may hold line ends; one that holds more than this is a quote that was never closed.
LONGEST_CELL = 100
#: Bytes of one row; beyond, no spreadsheet made it.
LONGEST_ROW = 8_000_000

NEWLINE, QUOTE = 10, 34


@dataclass(frozen=True)
class Broken:
    """A row that could not be taken apart: its line in the file, its bytes as they are, what is wrong."""

    line: int
    raw: bytes
    reason: str


@dataclass(frozen=True)
class Rows:
    """Rows as byte ranges of a buffer, with the number of the line each begins at."""

    starts: np.ndarray
    ends: np.ndarray
    lines: np.ndarray
    broken: list[Broken]
    spanning: bool  #: whether some row goes over several lines


def find_rows(data: bytes, separator: str) -> Rows:
    """The rows of `data` that are not blank, each without its line end; line numbers count from 1.

    A quote that opens a cell and is not closed on its line joins the lines up to the one that
    closes it; where none does, only the line with the stray quote is broken.
    """
    bytes_ = np.frombuffer(data, dtype=np.uint8)
    newlines = np.flatnonzero(bytes_ == NEWLINE)
    starts = np.concatenate(([0], newlines + 1))
    ends = np.concatenate((newlines, [len(data)]))
    # A carriage return before the line end is part of it.
    filled = ends > starts
    ends = np.where(filled & (bytes_[np.maximum(ends - 1, 0)] == 13), ends - 1, ends) if len(data) else ends
    lines = np.arange(1, len(starts) + 1)
    broken: list[Broken] = []
    spanning = False
    odd = _odd_lines(bytes_, starts) if b'"' in data else np.array([], dtype=int)
    if len(odd):
        keep, joined = _join(data, starts, ends, odd, separator, broken)
        for first, last in joined:
            ends[first] = ends[last]
            keep[first + 1:last + 1] = False
        spanning = bool(joined)
        starts, ends, lines = starts[keep], ends[keep], lines[keep]
    return _sized(data, _unreturned(data, bytes_, Rows(starts, ends, lines, broken, spanning)))


def _odd_lines(bytes_: np.ndarray, starts: np.ndarray) -> np.ndarray:
    quotes = np.flatnonzero(bytes_ == QUOTE)
    counts = np.bincount(np.searchsorted(starts, quotes, side="right") - 1, minlength=len(starts))
    return np.flatnonzero(counts % 2)


def _join(data, starts, ends, odd, separator, broken) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Pair the lines that open a cell with those that close it; note the stray ones."""
    opens = re.compile(re.escape(separator.encode()) + rb' ?"')
    keep = np.ones(len(starts), dtype=bool)
    joined, i = [], 0
    while i < len(odd):
        line = odd[i]
        # A quote in the middle of a cell is a sign of its own, such as inches; it opens nothing.
        if data[starts[line]] == QUOTE or opens.search(data, starts[line], ends[line]):
            following = odd[i + 1] if i + 1 < len(odd) else None
            if following is not None and following - line <= LONGEST_CELL:
                joined.append((line, following))
                i += 1
            else:
                raw = data[starts[line]:ends[line]]
                broken.append(Broken(int(line) + 1, raw, "a quote opens a cell and is never closed"))
                keep[line] = False
        i += 1
    return keep, joined


def _unreturned(data: bytes, bytes_: np.ndarray, rows: Rows) -> Rows:
    """Without rows that a carriage return outside quotes would cut in two."""
    returns = np.flatnonzero(bytes_ == 13) if b"\r" in data else np.array([], dtype=int)
    row = np.searchsorted(rows.starts, returns, side="right") - 1
    inside = (row >= 0) & (returns < rows.ends[row])
    keep = np.ones(len(rows.starts), dtype=bool)
    for number, place in zip(row[inside], returns[inside], strict=True):
        if data.count(b'"', rows.starts[number], place) % 2 == 0 and keep[number]:
            raw = data[rows.starts[number]:rows.ends[number]]
            rows.broken.append(Broken(int(rows.lines[number]), raw, "a carriage return stands in the middle of the row"))
            keep[number] = False
    return Rows(rows.starts[keep], rows.ends[keep], rows.lines[keep], rows.broken, rows.spanning)


def _sized(data: bytes, rows: Rows) -> Rows:
    """Without blank rows, and without those beyond any size a cell could need."""
    size = rows.ends - rows.starts
    for row in np.flatnonzero(size > LONGEST_ROW):
        reason = f"the row has {size[row]:,} bytes, at most {LONGEST_ROW:,} are read"
        rows.broken.append(Broken(int(rows.lines[row]), data[rows.starts[row]:rows.ends[row]], reason))
    keep = (size > 0) & (size <= LONGEST_ROW)
    blank = np.frombuffer(data, dtype=np.uint8)[np.where(size > 0, rows.starts, 0)] <= 32 if data else keep
    for row in np.flatnonzero(keep & blank):
        keep[row] = not data[rows.starts[row]:rows.ends[row]].isspace()
    return Rows(rows.starts[keep], rows.ends[keep], rows.lines[keep], rows.broken, rows.spanning)
