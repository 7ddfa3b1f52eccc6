"""The inbox: what was answered is durable, once."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from marketing.responses import KNOWN, Response
from warehouse.inbox import BadPayload, Inbox, InboxError, from_json, to_json

NOW = datetime(2026, 3, 1, 12)


@pytest.fixture
def box(wh):
    inbox = Inbox(wh)
    yield inbox
    inbox.close()


def kept(box: Inbox) -> list[tuple]:
    return [(row.source, row.dedup, row.payload, row.received_at) for row in box.batch(1_000_000)]


def test_put_is_readable_when_it_returns(box, wh):
    """What put has returned from is there for any other process, in order of arrival."""
    box.put("smtp", "a", b"one", NOW)
    box.put("smtp", "b", b"two", NOW)
    other = Inbox(wh)

    assert kept(other) == [("smtp", "a", b"one", NOW), ("smtp", "b", b"two", NOW)]
    other.close()


def test_the_same_response_twice_is_one_row(box):
    """A provider that delivers twice makes one row; two providers may use the same id."""
    for source, payload in [("smtp", b"first"), ("smtp", b"again"), ("sms", b"other")]:
        box.put(source, "id-1", payload, NOW)

    assert kept(box) == [("smtp", "id-1", b"first", NOW), ("sms", "id-1", b"other", NOW)]


def test_many_threads_lose_nothing(box):
    """Concurrent callers share commits, and each row is there once."""
    def put(n: int) -> None:
        box.put("door", str(n % 600), str(n % 600).encode(), NOW)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, range(800)))

    assert sorted(row[1] for row in kept(box)) == sorted(map(str, range(600)))


def test_clear_deletes_what_was_named_and_nothing_else(box):
    """Only the named rows go, whatever their order and gaps; those already gone are no error."""
    for n in range(10):
        box.put("s", str(n), b"", NOW)
    ids = [row.id for row in box.batch(100)]
    box.clear([ids[7], ids[1], ids[2], ids[9]])
    box.clear([ids[1]])
    box.clear([])

    assert [row.dedup for row in box.batch(100)] == ["0", "3", "4", "5", "6", "8"]
    assert box.size() == 6


def test_a_number_is_never_given_twice(box):
    """A row that comes after everything was cleared has a new number: a late clear cannot hit it."""
    box.put("s", "old", b"", NOW)
    old = [row.id for row in box.batch(10)]
    box.clear(old)
    box.put("s", "new", b"", NOW)
    box.clear(old)

    assert [row.dedup for row in box.batch(10)] == ["new"]


def test_batches_stop_at_limit_and_upto(box):
    """A batch is the oldest rows, none beyond `upto`, at most `limit`."""
    for n in range(5):
        box.put("s", str(n), b"", NOW)
    third = box.batch(3)[-1].id

    assert [row.dedup for row in box.batch(2)] == ["0", "1"]
    assert [row.dedup for row in box.batch(9, upto=third)] == ["0", "1", "2"]
    assert box.newest() == box.batch(9)[-1].id


def test_every_caller_hears_of_a_failed_commit(box):
    """When the commit fails, each caller of the group gets the error, and the next commit is tried anew."""
    with box.engine.begin() as tx:
        tx.execute(sa.text("ALTER TABLE inbox RENAME TO elsewhere"))
    with ThreadPoolExecutor(4) as pool:
        failures = [pool.submit(box.put, "s", str(n), b"", NOW).exception() for n in range(4)]
    with box.engine.begin() as tx:
        tx.execute(sa.text("ALTER TABLE elsewhere RENAME TO inbox"))
    box.put("s", "after", b"", NOW)

    assert [type(failure) for failure in failures] == [InboxError] * 4
    assert [row.dedup for row in box.batch(10)] == ["after"]


def test_a_refused_row_spoils_no_other(box):
    """A row that the database cannot take fails alone; who shared its commit is kept."""
    futures = [box.submit("s", dedup, b"", received) for dedup, received in
               [("a", NOW), ("bad", "no instant"), ("b", NOW)]]

    assert [type(future.exception()) for future in futures] == [type(None), InboxError, type(None)]
    assert sorted(row.dedup for row in box.batch(10)) == ["a", "b"]


def test_strange_ids_are_taken(box):
    """An id that no index takes (very long, control characters) still counts once."""
    for dedup in ["x" * 10_000, "a\x00b", "x" * 10_000, "a\x00b", "a\ud800"]:
        box.put("s", dedup, b"", NOW)

    assert box.size() == 3


def test_close_commits_what_waits_and_refuses_more(wh):
    """Closing loses nothing that was submitted; afterwards nothing is taken."""
    box = Inbox(wh)
    futures = [box.submit("s", str(n), b"", NOW) for n in range(50)]
    box.close()

    assert all(future.done() and future.exception() is None for future in futures)
    with pytest.raises(InboxError, match="closed"):
        box.put("s", "late", b"", NOW)


def test_two_openers_at_once_both_succeed(wh):
    """The table is made once when several doors open a new inbox together."""
    found: list = []

    def open_and_put(n: int) -> None:
        inbox = Inbox(wh)
        inbox.put("s", str(n), b"", NOW)
        found.append(n)
        inbox.close()

    threads = [threading.Thread(target=open_and_put, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [0, 1, 2, 3]


PUT_AND_SAY = """
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from warehouse.inbox import Inbox
box = Inbox(SimpleNamespace(home=Path(sys.argv[1]), ledger=SimpleNamespace(sqlite=True)))
for n in range(100_000):
    box.put("s", str(n), b"x", datetime(2026, 3, 1))
    print(n, flush=True)
"""


def test_a_killed_door_keeps_what_it_answered(tmp_path: Path):
    """kill -9 loses nothing of what put has returned from."""
    from types import SimpleNamespace

    door = subprocess.Popen([sys.executable, "-c", PUT_AND_SAY, str(tmp_path)], stdout=subprocess.PIPE, text=True,
                            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    answered = [int(next(door.stdout)) for _ in range(30)]
    door.kill()
    answered += [int(line) for line in door.stdout.read().splitlines() if line]
    door.wait()
    box = Inbox(SimpleNamespace(home=tmp_path, ledger=SimpleNamespace(sqlite=True)))

    assert set(map(str, answered)) <= {row.dedup for row in box.batch(1_000_000)}
    box.close()


def test_callers_share_a_commit(local):
    """What gathers during a commit goes into the next one: 32 callers at once need far fewer commits than puts."""
    box, commits = Inbox(local), []
    sa.event.listen(box.engine, "commit", commits.append)
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda n: box.put("s", str(n), b"x" * 300, NOW), range(2_000)))
    box.close()

    assert len(commits) < 2_000 / 4


instants = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1))
responses = st.builds(
    Response, dedup=st.text(min_size=1), kind=st.sampled_from(sorted(KNOWN)), happened_at=instants,
    received_at=instants, key=st.none() | st.text(min_size=1), contact_id=st.none() | st.integers(0, (1 << 36) - 1),
    address=st.none() | st.text(min_size=1), machine=st.booleans(), meta=st.dictionaries(st.text(), st.text()),
)


@given(responses)
def test_a_response_comes_back_as_it_was(response):
    """from_json undoes to_json, whatever the texts."""
    assert Response(*from_json(to_json(response))) == response


@pytest.mark.parametrize(("payload", "said"), [
    (b"\xff\xfe", "not JSON"),
    (b"[1]", "not a JSON object"),
    (b"{}", "dedup is not a text"),
    (b'{"dedup":"a","kind":5}', "kind is not a text"),
    (b'{"dedup":"a","kind":"clicked","happened_at":"yesterday"}', "happened_at is not an instant"),
    (b'{"dedup":"a","kind":"clicked","happened_at":"2026-03-01T12:00:00+01:00"}', "happened_at carries a zone"),
    (b'{"dedup":"a","kind":"clicked","happened_at":"2026-03-01","received_at":"2026-03-01","contact_id":true}',
     "contact_id is not a contact's number"),
    (b'{"dedup":"a","kind":"clicked","happened_at":"2026-03-01","received_at":"2026-03-01","meta":{"a":1}}',
     "meta is not an object of texts"),
])
def test_a_bad_payload_names_the_field(payload, said):
    """What is no response is refused by field, without repeating its values."""
    with pytest.raises(BadPayload, match=said):
        from_json(payload)
