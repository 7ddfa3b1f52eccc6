"""In which encoding a file was written, and its bytes as UTF-8."""

import codecs
import re
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa

from warehouse.loading.lines import Broken

__all__ = ["Decoded", "decode"]

#: Byte-order marks, and the encoding each announces.
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


#: Lines beyond ASCII that settle between UTF-8 and Windows-1252.
SAMPLE = 2_000


@dataclass(frozen=True)
class Decoded:
    """The text as UTF-8 bytes without mark; an empty line stands for each one in `broken`."""

    data: bytes
    encoding: str  #: utf-8, utf-8-sig, cp1252, utf-16-le or utf-16-be
    marked: bool  #: whether it opened with a byte-order mark
    broken: list[Broken]

    @property
    def shown(self) -> str:
        name = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}.get(self.encoding, "UTF-16")
        return f"{name} with a byte-order mark" if self.marked else name


def decode(raw: bytes) -> Decoded:
    """`raw` as UTF-8: by its mark, else UTF-8 if it is so, else Windows-1252.

    In a file that is mostly UTF-8, lines that are not are broken and the rest is read; the same
    for Windows-1252 and the five bytes it gives no meaning to.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _marked(raw[len(mark):], encoding)
    sample = raw[:4000]
    if len(sample) >= 4 and (zeros := sample.count(0)) > len(sample) * 0.3:
        # Text in the Latin alphabet has a zero in every second byte of UTF-16.
        little = sample[1::2].count(0) >= zeros - sample[1::2].count(0)
        return _utf16(raw, "utf-16-le" if little else "utf-16-be", marked=False)
    return _unmarked(raw, "utf-8", marked=False)


def _marked(raw: bytes, encoding: str) -> Decoded:
    return _unmarked(raw, encoding, marked=True) if encoding == "utf-8-sig" else _utf16(raw, encoding, marked=True)


def _utf16(raw: bytes, encoding: str, marked: bool) -> Decoded:
    text = raw.decode(encoding, errors="replace")
    data = text.encode()
    if "\ufffd" not in text:
        return Decoded(_one_line_end(data), encoding, marked, [])
    wrong = [(i, line) for i, line in enumerate(data.split(b"\n")) if "\ufffd".encode() in line]
    return _without(data, encoding, marked, wrong, "UTF-16")


def _unmarked(raw: bytes, encoding: str, marked: bool) -> Decoded:
    if _is_utf8(raw):
        return Decoded(_one_line_end(raw), encoding, marked, [])
    if marked or _mostly_utf8(raw):
        wrong = [(i, line) for i, line in enumerate(raw.split(b"\n")) if not _decodes(line, "utf-8")]
        return _without(raw, encoding, marked, wrong, "UTF-8")
    try:
        return Decoded(_one_line_end(raw.decode("cp1252").encode()), "cp1252", False, [])
    except UnicodeDecodeError:
        return _windows(raw)


def _mostly_utf8(raw: bytes) -> bool:
    """Whether most of the first lines with letters beyond ASCII are UTF-8."""
    foreign = list(islice((match[0] for match in re.finditer(rb"[^\n]*[\x80-\xff][^\n]*", raw)), SAMPLE))
    return sum(_decodes(line, "utf-8") for line in foreign) > len(foreign) / 2


def _windows(raw: bytes) -> Decoded:
    lines = raw.split(b"\n")
    wrong = [(i, line) for i, line in enumerate(lines) if not _decodes(line, "cp1252")]
    for i, _ in wrong:
        lines[i] = b""
    reason = "the line holds bytes that neither UTF-8 nor Windows-1252 knows"
    broken = [Broken(i + 1, line.rstrip(b"\r"), reason) for i, line in wrong]
    return Decoded(b"\n".join(lines).decode("cp1252").encode(), "cp1252", False, broken)


def _without(data: bytes, encoding: str, marked: bool, wrong: list[tuple[int, bytes]], name: str) -> Decoded:
    """`data` with the wrong lines emptied, so that the others keep their numbers."""
    lines = data.split(b"\n")
    for i, _ in wrong:
        lines[i] = b""
    broken = [Broken(i + 1, line.rstrip(b"\r"), f"the line is not {name} like the rest of the file") for i, line in wrong]
    return Decoded(b"\n".join(lines), encoding, marked, broken)


def _is_utf8(raw: bytes) -> bool:
    # One value over the whole buffer: validated in place, without building a str of it.
    offsets = pa.py_buffer(np.array([0, len(raw)], dtype=np.int64))
    try:
        pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(raw)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _one_line_end(data: bytes) -> bytes:
    """Old Macintosh files end their lines with a carriage return alone, files written twice as text with two of them."""
    if b"\r\r\n" in data:
        data = data.replace(b"\r\r\n", b"\r\n")
    return data.replace(b"\r", b"\n") if b"\r" in data[:100_000] and b"\n" not in data else data
