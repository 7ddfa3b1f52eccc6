"""The ledger: the small transactional database that says what is true."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from warehouse import migrations, schema


#: Seconds for which a writer on SQLite waits for another; a transaction lasts milliseconds.
WAIT = 60


class LedgerError(Exception):
    """The ledger cannot be opened or does not fit this code."""


class Ledger:
    """A SQLAlchemy engine with short write transactions.

    `url` is any SQLAlchemy URL of SQLite or PostgreSQL. Raises `LedgerError` when
    the database cannot be reached, cannot be written, or is of a newer version.
    Not `lasting`, a transaction is whole whatever dies, but the newest may be lost when the machine does: it waits for no disk.
    """

    def __init__(self, url: str, *, lasting: bool = True):
        self.url = _read_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        try:
            if self.sqlite and self.url.database:
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = sa.create_engine(self.url, **self._options())
            if self.sqlite:
                make_durable(self.engine)
            if self.sqlite and not lasting:
                sa.event.listen(self.engine, "connect", _no_waiting)
            migrations.upgrade(self)
        except migrations.UnknownRevision as newer:
            raise LedgerError(
                f"The ledger {self.url.render_as_string()} is of revision {newer}; this version of Relance knows "
                f"revisions up to {schema.REVISION}. Use the version of Relance that wrote it (or a later one), "
                "or name another ledger in RELANCE_LEDGER_URL."
            ) from None
        except (sa.exc.DatabaseError, OSError) as error:
            reason = getattr(error, "orig", None) or error
            raise LedgerError(
                f"The ledger {self.url.render_as_string()} cannot be opened ({reason}). "
                "Give a folder that can be written, or a reachable PostgreSQL, in RELANCE_LEDGER_URL."
            ) from error

    def _options(self) -> dict:
        if self.sqlite:
            return {"connect_args": {"timeout": WAIT}, "pool_size": 4}
        return {"pool_size": 4, "pool_pre_ping": True}

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A write transaction; on SQLite it takes the write lock at once, so it never has to be upgraded.

        Raises `LedgerError` when another process holds the ledger for longer than a writer waits, or it cannot be reached.
        """
        with ExitStack() as held:
            try:
                tx = held.enter_context(self.engine.begin())
            except sa.exc.OperationalError as error:
                raise LedgerError(f"The ledger {self.url.render_as_string()} cannot be written ({error.orig}). See that the "
                                  "database can be reached and that no process of Relance is stopped in the middle of its "
                                  f"work, and run again; a writer waits {WAIT} seconds.") from error
            yield tx

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads: one moment of the ledger."""
        options = {"relance_read": True} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        with self.engine.connect().execution_options(**options) as tx, tx.begin():
            yield tx

    def next_numbers(self, tx: sa.Connection, name: str, many: int) -> int:
        """Take `many` numbers of a counter under its row lock; returns the first. In commit order on every database."""
        last = tx.execute(
            sa.update(schema.counter)
            .where(schema.counter.c.name == name)
            .values(value=schema.counter.c.value + many)
            .returning(schema.counter.c.value)
        ).scalar_one()
        return last - many + 1

    def put(self, tx: sa.Connection, table: sa.Table, row: dict, replace: bool = True) -> None:
        """Insert a row, or set the one with its primary key (with `replace` off: leave that one alone)."""
        insert = (sqlite if self.sqlite else postgresql).insert(table)
        keys = [column.name for column in table.primary_key.columns]
        if replace and (rest := {name: insert.excluded[name] for name in row if name not in keys}):
            insert = insert.on_conflict_do_update(index_elements=keys, set_=rest)
        else:
            insert = insert.on_conflict_do_nothing()
        tx.execute(insert, row)

    def close(self) -> None:
        self.engine.dispose()


def _read_url(url: str) -> sa.URL:
    try:
        read = sa.make_url(url)
        read.get_dialect().import_dbapi()
    except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
        # The text itself may hold a password: it is not repeated.
        raise LedgerError(f"RELANCE_LEDGER_URL cannot be used ({type(error).__name__}); accepted: "
                          "sqlite:///FILE, or postgresql+psycopg://USER@HOST/DATABASE with the extra 'postgres'.") from None
    if read.get_backend_name() not in ("sqlite", "postgresql"):
        raise LedgerError(f"RELANCE_LEDGER_URL names {read.get_backend_name()!r}; accepted: sqlite, postgresql.")
    return read


def make_durable(engine: sa.Engine) -> None:
    """Give a SQLite engine what the ledger stands on: WAL, `synchronous=FULL`, the write lock taken at once."""
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_immediate)


def _prepare_sqlite(connection, _record) -> None:
    # The driver must not open transactions by itself: "begin" below does.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={WAIT * 1000}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _no_waiting(connection, _record) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin_immediate(connection) -> None:
    reading = connection.get_execution_options().get("relance_read")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
