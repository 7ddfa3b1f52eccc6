"""From columns of text to typed rows: which column is which, what its cells say, which rows cannot be read."""

import re
import unicodedata
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.loading.cells import Cells, Reader, clean
from warehouse.loading.kinds import Column, Kind, LoadError, compact
from warehouse.loading.reading import Sheet
from warehouse.loading.report import Repair

__all__ = ["ATTRIBUTES", "REASON", "Complaint", "Understood", "attribute_type", "is_corrected", "recognise",
           "understand"]

#: Types of attributes, as they are stored.
ATTRIBUTES = {"integer": pa.int64(), "decimal": pa.decimal128(18, 4), "date": pa.date32(),
              "instant": pa.timestamp("us"), "boolean": pa.bool_(), "text": pa.string()}
#: The column of a rejects file that says why; left aside when the file is loaded again.
REASON = "reject_reason"
#: Columns that are ours to compute: a file cannot state them.
_OURS = {"contactid", "emailkey", "phonekey", "addresskey"}
#: Characters of one cell; a longer one is a mistake of whoever wrote the file.
LONGEST_TEXT = 10_000
_EXCEL_CUT = r"^\d([.,]\d+)?[eE]\+\d+$"


@dataclass(frozen=True)
class Complaint:
    """Rows (their places in the sheet) that cannot be loaded, each with its reason; `rule` counts them together."""

    rule: str
    places: np.ndarray
    reasons: pa.Array


@dataclass
class Understood:
    """Typed rows of a sheet with their `place` in it; rows that complaints name are not among them."""

    rows: pa.Table
    columns: dict[str, str]
    attributes: dict[str, str]
    ignored: list[str]
    complaints: list[Complaint]
    repairs: list[Repair] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blank: int = 0  #: rows whose cells are all empty; they are no rows


def recognise(sheet: Sheet, kind: Kind) -> tuple[dict[int, Column], dict[int, str], list[str]]:
    """Which header is which column, which are attributes (by their new name), which are left aside.

    Raises LoadError where a required column is missing, or two headers mean the same.
    """
    spelt, found, further, ignored = kind.spelt(), {}, {}, []
    for i, header in enumerate(sheet.headers):
        column = spelt.get(compact(header))
        if compact(header) == compact(REASON):
            continue
        if column is not None:
            if column in found.values():
                first = sheet.headers[next(j for j, c in found.items() if c is column)]
                raise LoadError(f"{sheet.path}: the columns {first!r} and {header!r} are both read as {column.name}; "
                                "keep one of them, or rename the other.")
            found[i] = column
        elif not kind.open or compact(header) in _OURS or not compact(header):
            ignored.append(header or f"column {i + 1} (without a name)")
        else:
            further[i] = _attribute_name(header, further.values())
    _require(sheet, kind, found)
    return found, further, ignored


def is_corrected(sheet: Sheet) -> bool:
    """Whether the file is made of rows that an earlier load rejected."""
    return compact(REASON) in map(compact, sheet.headers)


def _require(sheet: Sheet, kind: Kind, found: dict[int, Column]) -> None:
    names = {column.name for column in found.values()}
    missing = [column for column in kind.columns if column.required and column.name not in names]
    if kind.any_of and not names & set(kind.any_of):
        missing = [kind.column(name) for name in kind.any_of]
    if not missing:
        return
    headers = ", ".join(repr(header) for header in sheet.headers[:20])
    accepted = "; ".join(f"{column.name}, accepted spellings: {', '.join((column.name, *column.spellings))}"
                         for column in missing)
    which = " or ".join(c.name for c in missing) if kind.any_of else ", ".join(c.name for c in missing)
    raise LoadError(f"{sheet.path}: {kind.name} need a column for {which}, and none of {headers} is read so. {accepted}.")


def _attribute_name(header: str, taken) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", header) if not unicodedata.combining(c))
    plain = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", plain)
    name = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:60]
    name = f"_{name}" if name[0].isdigit() else name
    while name in taken:
        name += "_2"
    return name


def understand(sheet: Sheet, kind: Kind, reader: Reader, known: dict[str, str]) -> Understood:
    """The typed rows of a sheet. `known` are the types that attributes already have. Raises LoadError."""
    found, further, ignored = recognise(sheet, kind)
    understood = Understood(None, {}, {}, ignored, [c for i in (*found, *further) for c in _unfit(sheet, i)])
    # A column is cleaned each time it is asked for: a copy of every cell at once would double the memory.
    blank = np.ones(len(sheet.lines), dtype=bool)
    for i in (*found, *further):
        blank &= pc.is_null(_text(sheet, i)).to_numpy(zero_copy_only=False)
    countries = _countries(sheet, found, reader)
    columns = {}
    for i, column in found.items():
        text = _text(sheet, i)
        columns[column.name] = _take(understood, sheet, i, column.name, _read(reader, column, text, countries), text)
        understood.columns[sheet.headers[i]] = column.name
        if column.required:
            _demand(understood, sheet, column, text, blank)
    for i, name in further.items():
        text = _text(sheet, i)
        if text.null_count == len(text):
            ignored.append(f"{sheet.headers[i]} (empty)")
            continue
        type_ = attribute_type(reader.shape(text), known.get(name))
        columns[name] = _take(understood, sheet, i, name, getattr(reader, type_)(text), text)
        understood.attributes[name] = type_
    _demand_any(understood, kind, columns, sheet, blank)
    understood.rows, understood.blank = _without(columns, understood.complaints, blank), int(blank.sum())
    return understood


def _text(sheet: Sheet, i: int) -> pa.Array:
    return clean(sheet.cells.column(i))


def attribute_type(shape: str, known: str | None) -> str:
    """The type of an attribute: the one it was first given; whole numbers may become decimal numbers."""
    if known is None or (known == "integer" and shape == "decimal"):
        return shape
    return known


def _countries(sheet: Sheet, found: dict[int, Column], reader: Reader) -> pa.Array | None:
    place = next((i for i, column in found.items() if column.holds == "country"), None)
    return None if place is None else reader.country_code(_text(sheet, place)).values


def _read(reader: Reader, column: Column, text: pa.Array, countries: pa.Array | None) -> Cells:
    match column.holds:
        case "choice":
            return reader.choice(text, column.accepted)
        case "phone" | "postcode":
            return getattr(reader, column.holds)(text, countries)
        case "country":
            return reader.country_code(text)
        case "zone":
            return reader.time_zone(text)
        case "currency":
            return reader.house_currency(text)
        case holds:
            return getattr(reader, holds)(text)


def _take(understood: Understood, sheet: Sheet, i: int, name: str, cells: Cells, text: pa.Array) -> pa.Array:
    """Note what a column's reading found, and keep its values."""
    header = sheet.headers[i]
    understood.repairs += [Repair(name, what, *told) for what, told in cells.repairs.items()]
    if cells.note:
        understood.notes.append(f"{name}: dates are read {cells.note}")
    _complain(understood, sheet, cells.wrong, f"{name} is not {cells.expected}",
              pc.binary_join_element_wise(f"{header} '", pc.utf8_slice_codeunits(text, 0, 60),
                                          f"' is not {cells.expected}", ""))
    if name.endswith("_id"):
        _complain(understood, sheet, pc.match_substring_regex(text, _EXCEL_CUT), f"{name} was cut by a spreadsheet",
                  pc.binary_join_element_wise(f"{header} '", text, "' was cut by a spreadsheet; format the column as text", ""))
    return cells.values


def _complain(understood: Understood, sheet: Sheet, mask: pa.Array, rule: str, reasons: pa.Array) -> None:
    places = pc.indices_nonzero(pc.fill_null(mask, False)).to_numpy()
    if len(places):
        understood.complaints.append(Complaint(rule, places, pc.take(reasons, pa.array(places))))


def _unfit(sheet: Sheet, i: int) -> list[Complaint]:
    """Cells that no column could hold: too long, or with characters that are no text."""
    column, header = sheet.cells.column(i).combine_chunks(), sheet.headers[i]
    found = []
    for rule, mask in ((f"a cell has more than {LONGEST_TEXT:,} characters",
                        pc.greater(pc.utf8_length(column), LONGEST_TEXT)),
                       ("a cell holds a character of value zero", pc.match_substring(column, "\0"))):
        places = pc.indices_nonzero(mask).to_numpy()
        if len(places):
            found.append(Complaint(rule, places, pa.repeat(f"{header}: {rule}", len(places)).cast(pa.string())))
    return found


def _demand(understood: Understood, sheet: Sheet, column: Column, text: pa.Array, blank: np.ndarray) -> None:
    empty = pc.and_(pc.is_null(text), pa.array(~blank))
    reason = f"{column.name} is empty; {column.meaning}"
    _complain(understood, sheet, empty, f"{column.name} is empty", pa.repeat(reason, len(text)))


def _demand_any(understood: Understood, kind: Kind, columns: dict, sheet: Sheet, blank: np.ndarray) -> None:
    if kind.any_of:
        empty = ~blank
        for name in kind.any_of:
            if name in columns:
                empty &= pc.is_null(columns[name]).to_numpy(zero_copy_only=False)
        for complaint in understood.complaints:
            empty[complaint.places] = False
        rule = f"{' and '.join(kind.any_of)} are both empty"
        _complain(understood, sheet, pa.array(empty), rule, pa.repeat(rule, len(empty)))


def _without(columns: dict[str, pa.Array], complaints: list[Complaint], blank: np.ndarray) -> pa.Table:
    """The rows that nothing was said against; rows whose cells are all empty are no rows."""
    keep = ~blank
    for complaint in complaints:
        keep[complaint.places] = False
    table = pa.table({"place": np.arange(len(keep)), **columns})
    return table if keep.all() else table.filter(pa.array(keep))
