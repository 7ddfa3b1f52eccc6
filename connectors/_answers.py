"""The simulator's durable memory: touches it took, answers and orders that are still to come, and the truth apart."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

__all__ = ["Answers", "Truth"]

_STATE = """
CREATE TABLE IF NOT EXISTS touch (
    key TEXT PRIMARY KEY, connector TEXT NOT NULL, contact INTEGER NOT NULL, sent INTEGER NOT NULL,
    weight REAL NOT NULL, ignored INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS touch_contact ON touch (contact, sent, weight, ignored);
CREATE TABLE IF NOT EXISTS answer (
    connector TEXT NOT NULL, due INTEGER NOT NULL, dedup TEXT NOT NULL, kind TEXT NOT NULL, happened INTEGER NOT NULL,
    key TEXT NOT NULL, contact INTEGER NOT NULL, address TEXT NOT NULL, machine INTEGER NOT NULL, meta TEXT NOT NULL,
    PRIMARY KEY (connector, due, dedup)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sale (
    due INTEGER NOT NULL, number TEXT NOT NULL, contact INTEGER NOT NULL, amount TEXT NOT NULL, ordered INTEGER NOT NULL,
    PRIMARY KEY (due, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heard (listener TEXT PRIMARY KEY, upto INTEGER NOT NULL) WITHOUT ROWID;
"""
_TRUTH = """
CREATE TABLE IF NOT EXISTS truth (
    key TEXT PRIMARY KEY, contact INTEGER NOT NULL, chain TEXT NOT NULL, wave TEXT NOT NULL, step TEXT NOT NULL,
    channel TEXT NOT NULL, sent INTEGER NOT NULL, pressure REAL NOT NULL, attention REAL NOT NULL, p0 REAL NOT NULL,
    p1 REAL NOT NULL, y0 INTEGER NOT NULL, y1 INTEGER NOT NULL, extra_amount TEXT NOT NULL, extra_at INTEGER) WITHOUT ROWID;
"""
#: the listener of orders, beside those of the connectors' responses
SHOP = "shop"


def _open(path: Path, schema: str) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    con = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
    con.execute("PRAGMA journal_mode = WAL")
    con.execute("PRAGMA synchronous = FULL")
    con.executescript(schema)
    return con


class Answers:
    """One file for all the simulators of a world, so that fatigue is felt over channels; instants in microseconds.

    What is due is stamped later than anything a listener has already been told, in the transaction that adds it:
    a cursor never runs past an answer.
    """

    def __init__(self, folder: Path):
        self.con = _open(folder / "state.sqlite", _STATE)

    def known(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that were taken before."""
        found: set[str] = set()
        for start in range(0, len(keys), 500):
            some = keys[start:start + 500]
            marks = ",".join("?" * len(some))
            found |= {row[0] for row in self.con.execute(f"SELECT key FROM touch WHERE key IN ({marks})", some)}
        return found

    def history(self, contacts: np.ndarray, before: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Earlier touches of the contacts: contact, instant, weight, ignored; none of the instant `before` itself.

        Touches of one instant do not tire each other, so batches of one pass may come in any order.
        """
        rows: list[tuple] = []
        wanted = np.unique(contacts).tolist()
        for start in range(0, len(wanted), 500):
            some = wanted[start:start + 500]
            marks = ",".join("?" * len(some))
            rows += self.con.execute(
                f"SELECT contact, sent, weight, ignored FROM touch WHERE contact IN ({marks}) AND sent < ?",
                [*some, before]).fetchall()
        columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
        return (np.array(columns[0], dtype=np.int64), np.array(columns[1], dtype=np.int64),
                np.array(columns[2], dtype=np.float64), np.array(columns[3], dtype=np.int64))

    def add(self, connector: str, touches: Iterable[tuple], answers: Iterable[tuple], sales: Iterable[tuple]) -> None:
        """Take a batch in one transaction; a key that is already there adds nothing.

        touches (key, contact, sent, weight, ignored); answers (due, dedup, kind, happened, key, contact, address,
        machine, meta); sales (due, number, contact, amount, ordered).
        """
        self.con.execute("BEGIN IMMEDIATE")
        try:
            heard = dict(self.con.execute("SELECT listener, upto FROM heard"))
            told, sold = heard.get(connector, -1) + 1, heard.get(SHOP, -1) + 1
            self.con.executemany("INSERT OR IGNORE INTO touch VALUES (?, ?, ?, ?, ?, ?)",
                                 ((key, connector, *rest) for key, *rest in touches))
            self.con.executemany("INSERT OR IGNORE INTO answer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                 ((connector, max(due, told), *rest) for due, *rest in answers))
            self.con.executemany("INSERT OR IGNORE INTO sale VALUES (?, ?, ?, ?, ?)",
                                 ((max(due, sold), *rest) for due, *rest in sales))
        except BaseException:
            self.con.execute("ROLLBACK")
            raise
        self.con.execute("COMMIT")

    def hear(self, connector: str, after: int, upto: int) -> list[tuple]:
        """The answers due after one instant and by another, oldest first."""
        self._listen(connector, upto)
        return self.con.execute(
            "SELECT due, dedup, kind, happened, key, contact, address, machine, meta FROM answer "
            "WHERE connector = ? AND due > ? AND due <= ? ORDER BY due, dedup", (connector, after, upto)).fetchall()

    def sold(self, after: int, upto: int) -> list[tuple]:
        """The orders due after one instant and by another: number, contact, amount, ordered."""
        self._listen(SHOP, upto)
        return self.con.execute("SELECT number, contact, amount, ordered FROM sale WHERE due > ? AND due <= ? "
                                "ORDER BY due, number", (after, upto)).fetchall()

    def _listen(self, listener: str, upto: int) -> None:
        self.con.execute("INSERT INTO heard VALUES (?, ?) ON CONFLICT (listener) DO UPDATE "
                         "SET upto = max(upto, excluded.upto)", (listener, upto))

    def take_back(self, keys: Sequence[str]) -> None:
        """Forget touches that will not arrive, with all that they would have caused."""
        with closing(self.con.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            for table, column in (("answer", "key"), ("touch", "key"), ("sale", "number")):
                cursor.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(key,) for key in keys])
            cursor.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        self.con.close()


class Truth:
    """What would have happened with and without each touch; written here, read by the tests and the demo alone."""

    def __init__(self, path: Path):
        self.con = _open(path, _TRUTH)

    def add(self, rows: Iterable[tuple]) -> None:
        """Keep a batch; the last word on a key stands, so a batch that died between two files mends itself."""
        self.con.execute("BEGIN IMMEDIATE")
        self.con.executemany("INSERT OR REPLACE INTO truth VALUES (" + ",".join("?" * 15) + ")", rows)
        self.con.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        self.con.close()
