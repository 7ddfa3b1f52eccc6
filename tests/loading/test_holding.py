"""A load of an unusual size waits, a source with many rejects is not confirmed, and a failed load leaves nothing."""

import errno
import sqlite3

import pytest
from tests.loading.told import counts
from warehouse.loading import LoadError
from warehouse.store import FolderStore


def contacts(many: int, wrong: int = 0, first: int = 0) -> str:
    return "id;e-mail\n" + "".join(
        f"{i};{'x' if i - first < wrong else f'c{i}@example.com'}\n" for i in range(first, first + many))


def sources(warehouse) -> list[tuple]:
    with warehouse.ledger.read() as tx:
        return [tuple(row) for row in tx.exec_driver_sql(
            "SELECT source, rows, rejected, confirmed, newest_at, run FROM source ORDER BY id")]


@pytest.mark.parametrize(("rows_now", "held"), [(400, True), (800, True), (401, False), (799, False), (100, True)])
def test_unusual_sizes(put, rows, warehouse, rows_now, held):
    """Half or twice the usual size is held: nothing is loaded, nothing is recorded, and the report says why."""
    usual = 800 if rows_now < 800 and held or rows_now == 401 else 400
    put("contacts", contacts(usual))
    report = put("contacts", contacts(rows_now, first=5_000))

    assert bool(report.held) is held
    assert len(sources(warehouse)) == (1 if held else 2)
    assert rows("SELECT count(*) FROM contacts") == [(usual if held else usual + rows_now,)]
    if held:
        assert f"{rows_now} rows where the last 1 loads of contacts had {usual} (median)" in str(report)
        assert counts(put("contacts", contacts(rows_now, first=5_000), confirm=True))["new"] == rows_now


def test_never_held(put):
    """The same file again, and differences of a few rows, are not held."""
    put("contacts", contacts(500))
    put("contacts", contacts(300))
    assert put("contacts", contacts(500)).held is None
    put("suppressions", "adresse\na@example.com\n")
    assert put("suppressions", "adresse\n" + "".join(f"b{i}@example.com\n" for i in range(50))).held is None


def test_many_rejects(put, rows, warehouse):
    """Up to 1 % of rejected rows a source is confirmed; above, the good rows are loaded and it is not, until confirmed."""
    assert put("contacts", contacts(200, wrong=2)).confirmed
    report = put("contacts", contacts(200, wrong=3))
    assert not report.confirmed
    assert "sends that rest on contacts wait" in str(report)
    assert put("contacts", contacts(200, wrong=3), confirm=True).confirmed

    assert sources(warehouse) == [("contacts", 200, rejected, confirmed, None, "a run")
                                  for rejected, confirmed in ((2, 1), (3, 0), (3, 1))]
    assert rows("SELECT count(*) FROM contacts") == [(198,)]


def test_age(put, warehouse):
    """A source is as old as its newest row; corrected rejects are no fresh source."""
    put("contacts", "id;créé le\n1;24/11/2025\n2;x\n")
    put("contacts", "reject_reason;id;créé le\nsome reason;2;25/11/2025\n")

    assert [row[:1] + row[4:5] for row in sources(warehouse)] == [
        ("contacts", "2025-11-23 23:00:00.000000"), ("contacts/corrected", "2025-11-24 23:00:00.000000")]


class FullStore(FolderStore):
    """A folder on a disk with no room left."""

    def seal(self, path: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk(put, rows, warehouse):
    """On a full disk the load says so, and nothing of it is visible; with room again it loads."""
    room, warehouse.store = warehouse.store, FullStore(warehouse.store.root)
    with pytest.raises(LoadError, match="could not be loaded, and nothing of it was kept: .*No space left on device"):
        put("contacts", contacts(3_000))
    warehouse.store = room

    assert (rows("SELECT * FROM contacts"), sources(warehouse)) == ([], [])
    assert counts(put("contacts", contacts(3_000)))["new"] == 3_000


def test_a_ledger_that_cannot_be_written(put, rows, warehouse):
    """A ledger that refuses to be written, at the last moment, is named as the reason."""
    put("contacts", contacts(3))
    ledger = sqlite3.connect(warehouse.ledger.url.database)
    ledger.execute("CREATE TRIGGER full BEFORE INSERT ON source BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
    ledger.commit()
    ledger.close()
    with pytest.raises(LoadError, match="database or disk is full"):
        put("contacts", contacts(5))
    assert rows("SELECT count(*) FROM contacts") == [(3,)]


def test_no_personal_data_in_the_text(put):
    """A report as text or in a log shows no cell of the file; its lines, for who loads, show one of each repair."""
    report = put("contacts", "id;tel\n1;612345678\n")

    assert "612345678" not in str(report) + repr(report)
    assert "such as '612345678' read as +33612345678" in "\n".join(report.lines())


def test_somebody_between(put, rows, warehouse):
    """A load that another one overtook reads again: no contact is numbered twice, none is lost."""
    overtaken = []

    def progress(done: int, total: int, what: str) -> None:
        if what == "committing" and not overtaken:
            overtaken.append(what)
            put("contacts", contacts(3, first=1), name="other.csv")

    report = put("contacts", contacts(3), progress=progress)

    assert (report.new, report.unchanged) == (1, 2)
    assert rows("SELECT contact_id, client_id FROM contacts ORDER BY 1") == [(1, "1"), (2, "2"), (3, "3"), (4, "0")]
