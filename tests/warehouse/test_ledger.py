"""The ledger: made once, brought up to date, refused when it is newer or unusable."""

import os
import stat
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from marketing.house import House
from warehouse import ClockError, LedgerError, Warehouse, WrongEnvironment, environment, journal, schema
from warehouse.ledger import Ledger

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ledger(ledger_url: str):
    opened = Ledger(ledger_url)
    yield opened
    opened.close()


def test_the_migrated_ledger_is_the_schema(ledger):
    """Revision by revision one arrives at exactly the tables that the code reads and writes."""
    with ledger.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True, "compare_server_default": True})

        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == schema.REVISION


def test_a_new_ledger_numbers_parts_from_one(ledger):
    """The first part is number 1, and numbers are taken in blocks."""
    with ledger.begin() as tx:
        taken = [ledger.next_numbers(tx, "part", many) for many in (1, 3, 1)]

    assert taken == [1, 2, 5]


def test_two_openers_of_a_new_ledger_both_succeed(ledger_url):
    """Whoever comes second finds the ledger made."""
    failures: list[Exception] = []
    ready = threading.Barrier(4)

    def open_it() -> None:
        ready.wait()
        try:
            Ledger(ledger_url).close()
        except Exception as error:  # a thread's error would be lost
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger = Ledger(ledger_url)
    with ledger.read() as tx:
        counters = tx.execute(sa.select(schema.counter)).all()
    ledger.close()

    assert (failures, counters) == ([], [("part", 0), ("journal", 0)])


OPEN = """
import sys
from warehouse.ledger import Ledger
statements = []
import sqlalchemy as sa
sa.event.listen(sa.Engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
Ledger(sys.argv[1]).close()
print([text for text in statements if text.startswith("SELECT ")][-1:], "alembic" in sys.modules)
"""


def test_two_processes_open_a_new_ledger(tmp_path):
    """As above, with processes of their own."""
    command = [sys.executable, "-c", OPEN, f"sqlite:///{tmp_path / 'ledger.sqlite'}"]
    openers = [subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)})
               for _ in range(3)]
    for opener in openers:
        opener.communicate()

    assert [opener.returncode for opener in openers] == [0, 0, 0]


def test_a_current_ledger_costs_one_read(ledger, ledger_url):
    """Opening what is current reads the revision, and does not load Alembic."""
    done = subprocess.run([sys.executable, "-c", OPEN, ledger_url], check=True, text=True, stdout=subprocess.PIPE,
                          env=os.environ | {"PYTHONPATH": str(ROOT)})

    assert done.stdout == "['SELECT version_num FROM alembic_version'] False\n"


def test_a_newer_ledger_is_refused_and_left_alone(ledger, ledger_url):
    """The error names both revisions and what to do; nothing is written."""
    with ledger.begin() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerError) as refused:
        Ledger(ledger_url)
    with ledger.read() as tx:
        revision = tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()

    assert "revision 9999" in str(refused.value)
    assert f"up to {schema.REVISION}" in str(refused.value)
    assert "Use the version of Relance that wrote it" in str(refused.value)
    assert revision == "9999"


@pytest.mark.parametrize("url", ["mysql://host/db", "nonsense", "oracle+what://x", "postgresql+nodriver://h/d"])
def test_an_unusable_url_says_what_is_accepted(url):
    """A URL of another database, or of none, is an error that names those accepted."""
    with pytest.raises(LedgerError, match="accepted: sqlite"):
        Ledger(url)


def test_a_password_is_not_repeated():
    """An unreachable database is named without its password."""
    with pytest.raises(LedgerError) as refused:
        Ledger("postgresql+psycopg://relance:s3cret@127.0.0.1:1/none")

    assert "cannot be opened" in str(refused.value) and "s3cret" not in str(refused.value)


def test_a_file_that_is_no_ledger_is_an_error(tmp_path):
    """A file of another kind is refused, and stays as it was."""
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"This is a letter to a customer. " * 200)
    with pytest.raises(LedgerError, match="cannot be opened"):
        Ledger(f"sqlite:///{path}")

    assert path.read_bytes() == b"This is a letter to a customer. " * 200


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    """A ledger below something that is no folder names the place."""
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match=r"file/deep/ledger\.sqlite cannot be opened"):
        Ledger(f"sqlite:///{tmp_path / 'file' / 'deep' / 'ledger.sqlite'}")


def test_a_read_is_one_moment(ledger):
    """What is committed during a read is not seen by it, on either database."""
    with ledger.read() as tx:
        before = tx.execute(sa.select(schema.meta.c.key)).all()
        with ledger.begin() as other:
            other.execute(sa.insert(schema.meta), {"key": "new", "value": "1"})
        after = tx.execute(sa.select(schema.meta.c.key)).all()

    assert before == after == []


def test_an_environment_has_a_ledger_of_its_own(home, opened):
    """A ledger remembers its environment and refuses another."""
    first = opened()
    demo = first.house.model_copy(update={"environment": "demo"})

    assert isinstance(demo, House)
    with pytest.raises(WrongEnvironment, match="'demo', but this ledger is of 'test'"):
        Warehouse.open(home, demo, first.policy)


def test_a_ledger_that_another_process_holds_is_a_clear_error(tmp_path, monkeypatch):
    """A writer waits for so long, then says what to look for; once the other has ended it works again."""
    monkeypatch.setattr("warehouse.ledger.WAIT", 0)
    first, second = (Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") for _ in range(2))

    with first.begin(), pytest.raises(LedgerError, match="database is locked.*stopped in the middle of its work"), second.begin():
        pass
    with second.begin() as tx:
        assert tx.execute(sa.select(schema.counter.c.value)).first() is not None
    first.close()
    second.close()


def test_the_secret_is_made_once_and_private(opened):
    """Each opening finds the same key, in a file that only its owner reads."""
    first, second = opened(), opened()
    path = first.home / "secret.key"

    assert first.key == second.key == path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_simulated_clock_only_goes_forward(wh, opened, tmp_path):
    """It moves by advance() and never back; a real clock cannot be moved at all."""
    start = datetime(2026, 3, 1)
    wh.clock.advance(datetime(2026, 3, 2))

    assert wh.clock.now() == datetime(2026, 3, 2)
    with pytest.raises(ClockError, match="never goes back"):
        wh.clock.advance(start)
    with pytest.raises(ClockError, match="already"):
        wh.clock.simulate(start)
    real = opened(f"sqlite:///{tmp_path / 'real.sqlite'}")
    with pytest.raises(ClockError, match="real clock"):
        real.clock.advance(start)


def test_no_ledger_is_born_live(home, opened):
    """A house that says live over a new ledger is refused, and the ledger is of test; going live is an act, written down."""
    first = opened()
    live = first.house.model_copy(update={"environment": "live"})
    with pytest.raises(WrongEnvironment, match="not live because a file says so.*relance go-live"):
        Warehouse.open(home, live, first.policy)
    url = f"sqlite:///{home / 'new.sqlite'}"
    for _ in range(2):
        with pytest.raises(WrongEnvironment, match="this ledger is of 'test'"):
            Warehouse.open(home, live, first.policy, url)
    looking = Warehouse.open(home, live, first.policy, url, going_live=True)
    assert environment.environment_of(looking.ledger) == "test"

    environment.go_live(looking.ledger, journal.Who("anne"), {"contacts": 3}, now=datetime(2026, 3, 2, 9))
    looking.close()
    Warehouse.open(home, live, first.policy, url).close()
    with pytest.raises(WrongEnvironment, match="'test', but this ledger is of 'live'"):
        Warehouse.open(home, first.house, first.policy, url)


def test_going_live_happens_once(ledger):
    """Only a ledger of test goes live, once; its entry is in the journal with it, and nothing is written where it does not."""
    for born, many in (("demo", 0), ("test", 1), ("live", 1)):
        if born != "live":
            with ledger.begin() as tx:
                ledger.put(tx, schema.meta, {"key": "environment", "value": born})
        try:
            environment.go_live(ledger, journal.Who("anne"), {}, now=datetime(2026, 3, 2, 9))
            assert born == "test"
        except WrongEnvironment:
            assert born != "test"
        assert len(journal.entries(ledger, act="go live")) == many
