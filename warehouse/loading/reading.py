"""From a file's bytes to columns of text: compression, encoding, separator, quotes, whatever wrote them."""

import csv
import gzip
import hashlib
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from warehouse.loading.encodings import decode
from warehouse.loading.kinds import LoadError
from warehouse.loading.lines import Broken, Rows, find_rows

__all__ = ["BLANKS", "Sheet", "read"]

SEPARATORS = (";", "\t", ",", "|")
#: The separator of files whose columns are set apart by any number of blanks.
BLANKS = "blanks"
_NAMES = {";": "semicolon", "\t": "tab", ",": "comma", "|": "bar", BLANKS: "blanks"}
_NOT_TEXT = {
    b"PK\x03\x04": "an Excel workbook or a ZIP archive; save the sheet as CSV (UTF-8)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the sheet as CSV (UTF-8)",
    b"%PDF": "a PDF document; ask for the data as CSV",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; unpack it, or compress it with gzip",
}


@dataclass(frozen=True)
class Sheet:
    """A file as text: `cells` has a column c0, c1… per header and a row per readable row of the file.

    `lines` holds the line of the file at which each row begins, counting from 1.
    """

    path: Path
    digest: str
    encoding: str
    encoding_shown: str
    marked: bool
    separator: str
    headers: tuple[str, ...]
    cells: pa.Table
    lines: np.ndarray
    broken: list[Broken]
    trimmed: int = 0  #: rows that ended with more separators than the header, and nothing between them

    @property
    def rows(self) -> int:
        return len(self.lines) + len(self.broken)

    @property
    def separator_shown(self) -> str:
        return _NAMES[self.separator]


def read(path: Path) -> Sheet:
    """The file at `path` as columns of text. Raises LoadError where it holds no table."""
    raw = _bytes(path)
    digest = hashlib.sha256(raw).hexdigest()
    if raw.startswith(b"\x1f\x8b"):
        raw = _unpacked(raw, path)
    if raw.startswith(b"PAR1"):
        return _parquet(raw, path, digest)
    for mark, what in _NOT_TEXT.items():
        if raw.startswith(mark):
            raise LoadError(f"{path} is {what}.")
    decoded = decode(raw)
    del raw
    data, skipped, stated = _stated_separator(decoded.data)
    separator = stated or _separator(data, path)
    if separator == BLANKS:
        data = _with_tabs(data)
    rows = find_rows(data, "\t" if separator == BLANKS else separator)
    headers, rows = _headers(data, rows, separator, path)
    cells, lines, broken, trimmed = _parse(data, rows, len(headers), "\t" if separator == BLANKS else separator, path)
    broken = [Broken(b.line + skipped, b.raw, b.reason) for b in broken]
    broken = sorted(broken + decoded.broken, key=lambda b: b.line)
    return Sheet(path, digest, decoded.encoding, decoded.shown, decoded.marked, separator, headers, cells,
                 lines + skipped, broken, trimmed)


def _bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise LoadError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise LoadError(f"{path} is a folder; give the file to load.") from None
    except PermissionError:
        raise LoadError(f"{path} may not be read by this account; change its permissions.") from None
    except OSError as error:
        raise LoadError(f"{path} cannot be read ({error.strerror}).") from None
    if not raw.strip():
        raise LoadError(f"{path} is empty; accepted: a line of column names, and rows below it.")
    return raw


def _unpacked(raw: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(raw)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise LoadError(f"{path} is compressed and cut short or damaged; fetch it again.") from None


def _parquet(raw: bytes, path: Path, digest: str) -> Sheet:
    """Typed columns go back to text, so that one way of reading serves every file."""
    try:
        table = pa.parquet.read_table(pa.BufferReader(raw))
        columns = [_as_text(column) for column in table.columns]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise LoadError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}.") from None
    if not table.num_rows:
        raise LoadError(f"{path} has column names and no row.")
    cells = pa.table(columns, names=[f"c{i}" for i in range(len(columns))])
    return Sheet(path, digest, "utf-8", "Parquet", False, ",", tuple(table.column_names), cells,
                 np.arange(1, table.num_rows + 1), [])


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_floating(column.type):
        # Nine decimals are what a double surely holds of an amount; the cast writes no exponent.
        column = column.cast(pa.decimal128(38, 9), safe=False)
    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = column.cast(pa.timestamp("us", "UTC"))
    return column.cast(pa.string()).fill_null("")


def _stated_separator(data: bytes) -> tuple[bytes, int, str | None]:
    """Excel may open a file with the line sep=; which is no header."""
    match = re.match(rb'"?sep=(.)"?\r?\n', data)
    if not match or match[1].decode(errors="replace") not in SEPARATORS:
        return data, 0, None
    return data[match.end():], 1, match[1].decode()


def _separator(data: bytes, path: Path) -> str:
    """The separator that cuts the header into most columns; blanks where every row has as many words."""
    first = [line for line in data[:200_000].splitlines()[:30] if line.strip()]
    if not first:
        raise LoadError(f"{path} is empty; accepted: a line of column names, and rows below it.")
    bare = re.sub(rb'"[^"]*"', b"", first[0])
    counts = {separator: bare.count(separator.encode()) for separator in SEPARATORS}
    best = max(counts, key=counts.get)
    if counts[best]:
        return best
    words = {len(line.split()) for line in first}
    return BLANKS if len(words) == 1 and words.pop() > 1 else ";"


def _with_tabs(data: bytes) -> bytes:
    return re.sub(rb"[ \t]+", b"\t", re.sub(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)", b"", data))


def _headers(data: bytes, rows: Rows, separator: str, path: Path) -> tuple[tuple[str, ...], Rows]:
    if not len(rows.starts):
        raise LoadError(f"{path} has no readable line; accepted: a line of column names, and rows below it.")
    line = data[rows.starts[0]:rows.ends[0]].decode()
    delimiter = "\t" if separator == BLANKS else separator
    headers = tuple(header.strip() for header in next(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter)))
    if len(rows.starts) == 1 and not rows.broken:
        raise LoadError(f"{path} has column names and no row.")
    return headers, Rows(rows.starts[1:], rows.ends[1:], rows.lines[1:], rows.broken, rows.spanning)


def _parse(data: bytes, rows: Rows, width: int, separator: str, path: Path) -> tuple[pa.Table, np.ndarray, list[Broken], int]:
    """Cut the rows into cells; rows of another width are broken, unless only empty cells are too many."""
    cells, odd = _cut(_body(data, rows), width, separator, rows.spanning)
    if len(cells) + len(odd) != len(rows.starts):
        # Lines of blanks alone are no rows to us, but are to the cutter: give it the rows one by one.
        cells, odd = _cut(_joined(data, rows), width, separator, rows.spanning)
    if len(cells) + len(odd) != len(rows.starts):
        raise LoadError(f"{path}: {len(rows.starts):,} rows were found and {len(cells) + len(odd):,} read; "
                        "save the file as CSV again, with every cell in quotes.")
    keep = np.ones(len(rows.starts), dtype=bool)
    broken, extra, extra_lines = list(rows.broken), [], []
    for number, actual, text in odd:
        keep[number] = False
        line, surplus = int(rows.lines[number]), actual - width
        if surplus > 0 and text.endswith(separator * surplus):
            extra.append(text[:-surplus])
            extra_lines.append(line)
        else:
            broken.append(Broken(line, text.encode(), f"{actual} cells where the header has {width}"))
    lines = rows.lines[keep]
    if extra:
        more, wrong = _cut("\n".join(extra).encode(), width, separator, True)
        if not wrong:
            cells, lines = pa.concat_tables([cells, more]), np.concatenate((lines, extra_lines))
            order = np.argsort(lines, kind="stable")
            cells, lines = cells.take(order), lines[order]
    return cells, lines, broken, len(extra)


def _body(data: bytes, rows: Rows) -> bytes:
    """The bytes of the rows; the file's own where nothing had to be left out."""
    if not len(rows.starts):
        return b""
    return _joined(data, rows) if rows.broken else data[rows.starts[0]:]


def _joined(data: bytes, rows: Rows) -> bytes:
    return b"\n".join([data[start:end] for start, end in zip(rows.starts, rows.ends, strict=True)])


def _cut(body: bytes, width: int, separator: str, spanning: bool) -> tuple[pa.Table, list[tuple[int, int, str]]]:
    """The cells of each row of `width`; of the others, the row's number from 0, its width and its text."""
    names = [f"c{i}" for i in range(width)]
    if not body:
        return pa.table({name: pa.array([], pa.string()) for name in names}), []
    odd: list[tuple[int, int, str]] = []

    def note(row: pyarrow.csv.InvalidRow) -> str:
        odd.append((row.number - 1, row.actual_columns, row.text))
        return "skip"

    table = pyarrow.csv.read_csv(
        pa.BufferReader(body),
        # One thread: only then are the numbers of odd rows known; cutting is a second per ten million cells.
        read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=1 << 25, column_names=names),
        parse_options=pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=spanning,
                                               invalid_row_handler=note),
        convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()),
                                                   strings_can_be_null=False))
    return table, odd
