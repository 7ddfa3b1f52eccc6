"""The rejects file: rows that could not be loaded, as they were, each with its reason in front."""

import csv
import io
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa

from warehouse.loading.kinds import LoadError
from warehouse.loading.reading import BLANKS, Sheet
from warehouse.loading.understanding import REASON, Complaint

__all__ = ["rejected_places", "write_rejects"]

_MARKS = {"utf-8-sig": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


def rejected_places(complaints: list[Complaint]) -> np.ndarray:
    """The places of the rows that complaints name, each once."""
    return np.unique(np.concatenate([np.array([], dtype=np.int64), *(c.places for c in complaints)]))


def write_rejects(folder: Path, name: str, sheet: Sheet, complaints: list[Complaint]) -> Path | None:
    """Write the rejected rows of a sheet in the sheet's own encoding, separator and columns.

    The reason stands in the first column, so that a row with too many cells does not move it; it is
    left aside when the corrected file is loaded. Returns None when nothing was rejected, and raises
    LoadError when the file cannot be written. Loading the same file again replaces it.
    """
    rows = sorted([*_read_rows(sheet, complaints), *_broken_rows(sheet)], key=lambda row: row[0])
    if not rows:
        return None
    head = _text([REASON, *(header for header in sheet.headers if header != REASON)], sheet)
    mark = _MARKS.get(sheet.encoding, b"") if sheet.marked else b""
    path = folder / name
    temporary = path.with_suffix(".tmp")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Rejected rows are personal data: only the account that loads may read them.
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(mark + _bytes(head, sheet))
            file.writelines(row for _, row in rows)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise LoadError(f"The rejects file {path} cannot be written ({error.strerror}); nothing was loaded. "
                        "Give a folder with room that this account can write.") from None
    return path


def _read_rows(sheet: Sheet, complaints: list[Complaint]):
    """Rejected rows that were cut into cells: line and bytes, every reason said once."""
    reasons: dict[int, list[str]] = {}
    for complaint in complaints:
        for place, reason in zip(complaint.places.tolist(), complaint.reasons.to_pylist(), strict=True):
            said = reasons.setdefault(place, [])
            if reason not in said:
                said.append(reason)
    places = sorted(reasons)
    again = [i for i, header in enumerate(sheet.headers) if header != REASON]
    cells = sheet.cells.take(pa.array(places, pa.int64())).to_pydict() if places else {}
    for n, place in enumerate(places):
        line = int(sheet.lines[place])
        said = f"line {line}: " + "; ".join(reasons[place])
        yield line, _bytes(_text([said, *(cells[f"c{i}"][n] for i in again)], sheet), sheet)


def _broken_rows(sheet: Sheet):
    """Rejected rows that could not be cut: the reason, and the line's bytes as they were."""
    separator = ";" if sheet.separator == BLANKS else sheet.separator
    for broken in sheet.broken:
        if REASON in sheet.headers:  # rejected before: the line has a reason in front already
            yield broken.line, _raw(broken.raw, sheet) + _bytes("\r\n", sheet)
            continue
        said = _text([f"line {broken.line}: {broken.reason}"], sheet).rstrip("\r\n") + separator
        yield broken.line, _bytes(said, sheet) + _raw(broken.raw, sheet) + _bytes("\r\n", sheet)


def _text(cells: list[str], sheet: Sheet) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";" if sheet.separator == BLANKS else sheet.separator).writerow(cells)
    return out.getvalue()


def _bytes(text: str, sheet: Sheet) -> bytes:
    encoding = "utf-8" if sheet.encoding == "utf-8-sig" else sheet.encoding
    return text.encode(encoding, errors="replace")


def _raw(raw: bytes, sheet: Sheet) -> bytes:
    """A broken line in the file's encoding: it was read to UTF-8, unless no encoding could."""
    try:
        return _bytes(raw.decode(), sheet)
    except UnicodeDecodeError:
        return raw
