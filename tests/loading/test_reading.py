"""Bytes to columns of text: whatever wrote the file, the same cells come out."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse.loading.kinds import LoadError
from warehouse.loading.reading import read

TEXT = "id;nom\r\n1;Éva\r\n2;Zoë – Noël\r\n"


def cells(path, content: bytes) -> list[tuple[str, ...]]:
    path.write_bytes(content)
    return [tuple(row.values()) for row in read(path).cells.to_pylist()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.csv"


@pytest.mark.parametrize(("content", "encoding"), [
    (TEXT.encode(), "UTF-8"),
    (TEXT.encode("utf-8-sig"), "UTF-8 with a byte-order mark"),
    (TEXT.encode("cp1252"), "Windows-1252"),
    (TEXT.encode("utf-16"), "UTF-16 with a byte-order mark"),
    (TEXT.encode("utf-16-le"), "UTF-16"),
    (TEXT.encode("utf-16-be"), "UTF-16"),
    (gzip.compress(TEXT.encode(), mtime=0), "UTF-8"),
    (TEXT.replace("\r\n", "\r").encode(), "UTF-8"),
])
def test_encodings(path, content, encoding):
    """The encoding is found, with or without a mark, packed or not."""
    assert cells(path, content) == [("1", "Éva"), ("2", "Zoë – Noël")]
    assert read(path).encoding_shown == encoding


@pytest.mark.parametrize(("separator", "shown"), [(";", "semicolon"), (",", "comma"), ("\t", "tab"), ("|", "bar"),
                                                  ("   ", "blanks")])
def test_separators(path, separator, shown):
    """The separator is the one that cuts the header; any number of blanks is one too."""
    assert cells(path, "a;b;c\n1;x;3\n4;y;6\n".replace(";", separator).encode()) == [("1", "x", "3"), ("4", "y", "6")]
    assert read(path).separator_shown == shown


def test_separator_stated_by_excel(path):
    """The line sep=; is no header, and line numbers count it."""
    assert cells(path, b"sep=;\r\na;b\r\n1,5;2\r\n") == [("1,5", "2")]
    assert read(path).lines.tolist() == [3]


def test_a_single_column(path):
    """A file of one column has no separator, also where its header has two words."""
    assert cells(path, b"e-mail address\na@example.com\nb@example.com\n") == [("a@example.com",), ("b@example.com",)]


def test_quotes(path):
    """Quoted cells hold separators, quotes and line ends; the lines after them keep their numbers."""
    content = b'a;b\r\n1;"x;""y"""\r\n\r\n2;"one\r\ntwo"\r\n3;5" pipe\r\n4;z\r\n'

    assert cells(path, content) == [("1", 'x;"y"'), ("2", "one\r\ntwo"), ("3", '5" pipe'), ("4", "z")]
    assert read(path).lines.tolist() == [2, 4, 6, 7]


def test_a_stray_quote_spoils_its_own_line_only(path):
    """A quote that is never closed does not swallow the rest of the file."""
    rest = [(str(i), "x") for i in range(200)]

    assert cells(path, b'a;b\n0;"never\n' + "\n".join(map(";".join, rest)).encode()) == rest
    assert [(b.line, b.raw) for b in read(path).broken] == [(2, b'0;"never')]


def test_carriage_returns(path):
    """Doubled before a line end they are one; alone in the middle of a row they spoil that row only."""
    assert cells(path, b'a;b\r\r\n1;x\r\r\n2;"y\rz"\r\r\n') == [("1", "x"), ("2", "y\rz")]
    assert cells(path, b"a;b\n1;x\n2;y\rz\n3;w\n") == [("1", "x"), ("3", "w")]
    assert [(b.line, b.raw) for b in read(path).broken] == [(3, b"2;y\rz")]


def test_rows_of_another_width(path):
    """A row with cells too few or too many is broken, with its text; empty cells too many are dropped."""
    assert cells(path, b"a;b\n1;x\n2\n3;y;z\n4;w;;\n5;v\n") == [("1", "x"), ("4", "w"), ("5", "v")]
    sheet = read(path)
    assert [(b.line, b.raw, b.reason) for b in sheet.broken] == [
        (3, b"2", "1 cells where the header has 2"), (4, b"3;y;z", "3 cells where the header has 2")]
    assert (sheet.trimmed, sheet.lines.tolist()) == (1, [2, 5, 6])


def test_broken_encodings(path):
    """In a UTF-8 file the lines that are not UTF-8 are broken, as they are; the others are read."""
    good = "".join(f"{i};é\n" for i in range(5)).encode()

    assert cells(path, b"a;b\n" + good + b"9;\xe9\n") == [(str(i), "é") for i in range(5)]
    assert [(b.line, b.raw) for b in read(path).broken] == [(7, b"9;\xe9")]
    assert cells(path, b"a;b\n1;\xe9\n2;\x81\xe9\n") == [("1", "é")]
    assert [(b.line, b.raw) for b in read(path).broken] == [(3, b"2;\x81\xe9")]


def test_parquet(path):
    """Parquet is read as the text of its values: the same rules follow."""
    table = pa.table({"id": [1, 2], "amount": [1.1, None], "day": pa.array(["2026-01-02", None]).cast(pa.date32())})
    pq.write_table(table, path)

    assert [tuple(row.values()) for row in read(path).cells.to_pylist()] == [("1", "1.100000000", "2026-01-02"), ("2", "", "")]
    assert read(path).headers == ("id", "amount", "day")


@pytest.mark.parametrize(("content", "says"), [
    (b"", "is empty"),
    (b"\n\n  \n", "is empty"),
    (b"\xef\xbb\xbf", "is empty"),
    (b"id;nom\n", "has column names and no row"),
    (b"PK\x03\x04rest", "an Excel workbook or a ZIP archive; save the sheet as CSV"),
    (b"PAR1rest", "cannot be read as Parquet"),
    (gzip.compress(TEXT.encode() * 99, mtime=0)[:40], "cut short or damaged"),
])
def test_no_table(path, content, says):
    """A file that holds no table says what it is and what would be accepted."""
    path.write_bytes(content)
    with pytest.raises(LoadError, match=says) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_no_file(tmp_path):
    """A path that does not exist, or is a folder, is named."""
    for wrong, says in ((tmp_path / "none.csv", "There is no file"), (tmp_path, "is a folder")):
        with pytest.raises(LoadError, match=says):
            read(wrong)
