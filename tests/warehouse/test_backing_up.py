"""Backups: a copy made while others write, whole, and only what is missing is copied again."""

from datetime import datetime

import pyarrow as pa
import pytest

from tests.warehouse.made import rows
from warehouse import Warehouse, backing_up, journal
from warehouse.tables import TABLES

NOW = datetime(2026, 3, 1)
ANNE = journal.Who("anne")
MANY = 3_000  # more than a manifest row holds, so that they are files


def load(warehouse, first: int) -> None:
    commit = warehouse.commit(run="load", as_of=NOW)
    people = [{"contact_id": number, "client_id": f"c{number}", "created_at": NOW} for number in range(first, first + MANY)]
    commit.add("contacts", pa.Table.from_pylist(people, schema=TABLES["contacts"].columns), slice=0)
    commit.apply()


def test_a_copy_is_a_home(opened, tmp_path):
    """The copy opens as a warehouse with the same rows, whatever is written to the first afterwards; parts are copied once."""
    here = opened(slice_bits=20)
    load(here, 1)
    made = [backing_up.back_up(here, tmp_path / "copy", ANNE, now=NOW).parts for _ in range(2)]
    load(here, 10_000)
    copy = Warehouse.open(tmp_path / "copy", here.house, here.policy, key=here.key)

    assert made == [1, 0]
    assert rows(copy, "SELECT count(*), max(contact_id) FROM contacts") == [(MANY, MANY)]
    assert rows(here, "SELECT count(*) FROM contacts") == [(2 * MANY,)]
    assert not list((tmp_path / "copy").glob("secret*")) + list((tmp_path / "copy").glob("*.making"))
    assert backing_up.back_up(here, tmp_path / "copy", ANNE, now=NOW).parts == 1
    assert [(entry.act, entry.who, entry.what) for entry in journal.entries(here.ledger)] == [
        ("backup", "anne", {"how": "copied", "parts": parts}) for parts in (1, 0, 1)]
    copy.close()


def test_postgres_has_its_own_way(opened, new_database, tmp_path):
    """A ledger on PostgreSQL is not copied but noted, once somebody has made a backup of it."""
    here = opened(new_database())
    with pytest.raises(backing_up.BackupError, match="pg_dump.*relance backup --noted"):
        backing_up.back_up(here, tmp_path / "copy", ANNE, now=NOW)

    assert backing_up.last(here.ledger) is None
    backing_up.note_backup(here.ledger, ANNE, "noted", now=NOW)
    assert backing_up.last(here.ledger) == backing_up.Backup(NOW, "anne", "noted")
