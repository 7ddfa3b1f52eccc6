"""Rejected rows: given back as they were, ready to correct and load again."""

import stat

import pytest
from tests.loading.told import counts
from warehouse.loading import LoadError

GOOD = "".join(f"{i};é{i}@example.com;\r\n" for i in range(3, 300))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_the_same_form(put, encoding):
    """The file has the encoding, mark, separator and columns of what was loaded, with the reasons in front."""
    text = "id;e-mail;Prénom\r\n1;jean@;Éva\r\n2;x;\"a;\r\nb\"\r\n"
    content = put("contacts", text.encode(encoding)).rejects.read_bytes()

    assert content.decode(encoding) == (
        "reject_reason;id;e-mail;Prénom\r\n"
        "line 2: e-mail 'jean@' is not an e-mail address such as name@example.com;1;jean@;Éva\r\n"
        "line 3: e-mail 'x' is not an e-mail address such as name@example.com;2;x;\"a;\r\nb\"\r\n")
    assert content[:2] == text.encode(encoding)[:2].replace(b"id", b"re")


def test_corrected(put, rows):
    """Corrected, the file loads: reasons are left aside, sizes are not compared, and it is no source of its own."""
    report = put("contacts", "id;e-mail;nom\r\n1;jean@;Petit\r\n2;\"x;y\r\n4\r\n" + GOOD)
    text = report.rejects.read_text()
    assert text.splitlines()[1:] == [
        "line 2: e-mail 'jean@' is not an e-mail address such as name@example.com;1;jean@;Petit",
        'line 3: a quote opens a cell and is never closed;2;"x;y',
        "line 4: 1 cells where the header has 3;4"]

    corrected = text.replace("jean@", "jean@example.com").replace('2;"x;y', "2;;y")
    report = put("contacts", corrected, name="corrected.csv")
    assert counts(report) == {"read": 3, "new": 2, "changed": 0, "unchanged": 0, "repeated": 0, "rejected": 1}
    assert report.rejects.read_text().splitlines() == [
        "reject_reason;id;e-mail;nom", "line 4: 1 cells where the header has 3;4"]
    assert rows("SELECT last_name FROM contacts WHERE client_id IN ('1', '2') ORDER BY 1") == [("Petit",), ("y",)]


def test_bytes_no_encoding_knows(put):
    """A line that no encoding reads is given back byte for byte."""
    content = put("contacts", b"id;nom\n" + b"2;\xc3\xa9\n3;\xc3\xa9\n1;\xe9\n").rejects.read_bytes()

    assert content.splitlines()[1] == b"line 4: the line is not UTF-8 like the rest of the file;1;\xe9"


def test_only_for_its_owner(put):
    """Rejected rows are personal data: nobody but the account that loads may read them."""
    report = put("contacts", "id;e-mail\n1;x\n")
    assert stat.S_IMODE(report.rejects.stat().st_mode) == 0o600
    assert put("contacts", "id;e-mail\n1;a@example.com\n").rejects is None


def test_a_folder_that_cannot_be_written(put, rows, home):
    """Where the rejects cannot be written nothing is loaded."""
    (home / "rejects").write_text("in the way")
    with pytest.raises(LoadError, match="nothing was loaded"):
        put("contacts", "id;e-mail\n1;x\n2;a@example.com\n")
    assert rows("SELECT * FROM contacts") == []
