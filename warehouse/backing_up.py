"""Backups: a copy of the ledger, the inbox and the parts as they are at one moment, made while everything goes on."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from warehouse import journal, schema
from warehouse.snapshot import Snapshot
from warehouse.store import FolderStore

__all__ = ["Backup", "BackupError", "back_up", "last", "note_backup"]

_KEY = "backup"
#: What of a home is copied beside ledger and parts, where it is there.
_FILES = ("house.toml", "policy.toml")


class BackupError(Exception):
    """A backup cannot be made this way."""


@dataclass(frozen=True)
class Backup:
    """When the last backup was made, by whom, and what it holds."""

    at: datetime
    by: str
    how: str
    parts: int = 0


def back_up(warehouse, folder: Path, who: journal.Who, *, now: datetime) -> Backup:
    """Copy ledger, inbox, settings and parts into a folder; parts that are there already are not copied again.

    The copy is a home: a Relance that names the folder reads it. The secret key is no part of it. Raises BackupError where
    the ledger is not SQLite's.
    """
    if not warehouse.ledger.sqlite:
        raise BackupError("this ledger is on PostgreSQL, which has its own way: pg_dump, or snapshots of its disk. "
                          "Once that is done: relance backup --noted")
    folder.mkdir(parents=True, exist_ok=True)
    held = Snapshot(warehouse, slice=None, engine=None)  # the files of this moment stay until they are copied
    try:
        _copy_database(Path(warehouse.ledger.url.database), folder / "ledger.sqlite")
        _copy_database(warehouse.home / "inbox.sqlite", folder / "inbox.sqlite")
        parts = _copy_parts(warehouse.store, folder)
    finally:
        held.release()
    for name in _FILES:
        if (warehouse.home / name).is_file():
            shutil.copy2(warehouse.home / name, folder / name)
    return note_backup(warehouse.ledger, who, "copied", now=now, parts=parts)


def note_backup(ledger, who: journal.Who, how: str, *, now: datetime, parts: int = 0) -> Backup:
    """Write down that a backup was made now; `how`: copied by Relance, or noted because somebody made one otherwise."""
    made = Backup(now, who.name, how, parts)
    with ledger.begin() as tx:
        value = json.dumps({"at": now.isoformat(), "by": made.by, "how": how, "parts": parts})
        ledger.put(tx, schema.meta, {"key": _KEY, "value": value})
        journal.write(ledger, tx, who, "backup", {"how": how, "parts": parts}, now=now)
    return made


def last(ledger) -> Backup | None:
    """The last backup that the ledger knows of."""
    with ledger.read() as tx:
        text = tx.execute(sa.select(schema.meta.c.value).where(schema.meta.c.key == _KEY)).scalar()
    if text is None:
        return None
    value = json.loads(text)
    return Backup(datetime.fromisoformat(value["at"]), value["by"], value["how"], value["parts"])


def _copy_database(source: Path, target: Path) -> None:
    """One moment of a database that others write to meanwhile; it takes its name when it is whole."""
    if not source.is_file():
        return
    made = target.with_suffix(".making")
    made.unlink(missing_ok=True)
    with closing(sqlite3.connect(source, timeout=60)) as here, closing(sqlite3.connect(made)) as there:
        here.backup(there)
        there.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    with open(made, "rb") as file:
        os.fsync(file.fileno())
    os.replace(made, target)


def _copy_parts(store, folder: Path) -> int:
    """The parts that the copied ledger lists; those in a bucket stay there. Returns how many files were copied now."""
    if not isinstance(store, FolderStore):
        return 0
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as ledger:
        paths = [row[0] for row in ledger.execute("SELECT path FROM part WHERE path IS NOT NULL AND retired_n IS NULL")]
    missing = [path for path in paths if not (folder / "parts" / path).is_file()]
    for path, local in zip(missing, store.local(missing), strict=True):
        target = folder / "parts" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(local, target.with_suffix(".tmp"))
        os.replace(target.with_suffix(".tmp"), target)
    return len(missing)
