"""The memory connector: what it records is what was made, whoever dies when."""

import os
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from connectors.base import ConnectorDown, ErrorKind, Outcome, Outgoing, Receipt
from connectors.memory import LOST_AFTER, LOST_BEFORE, Memory, forget, recorded
from connectors.registry import connect
from connectors.sink import Sink, read
from marketing.responses import CLICKED, Response

NOW = datetime(2026, 3, 2, 9, 30)


def touch(n: int) -> Outgoing:
    return Outgoing(f"key{n}", n, f"c{n}@example.com", {}, tags={"step": "we_miss_you"})


def touches(*numbers: int) -> list[Outgoing]:
    return [touch(n) for n in numbers]


def memory(**settings: Any) -> Memory:
    return connect("memory", "memory", settings)


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    forget()
    yield
    forget()


class TestRecord:
    def test_it_records_what_was_made(self) -> None:
        """Every accepted touch is in `sent` and in recorded(), oldest first."""
        connector = memory()
        connector.send(touches(1, 2), NOW)
        connector.send(touches(3), NOW)

        assert connector.sent == recorded("memory") == touches(1, 2, 3)

    def test_the_file_has_one_line_per_touch_made(self, tmp_path: Path) -> None:
        """key, contact, address, step and instant, in the order of acceptance; a duplicate adds no line."""
        connector = memory(path=tmp_path / "sink")
        connector.send(touches(1, 2, 1), NOW)
        again = memory(path=tmp_path / "sink").send(touches(2, 3), NOW)

        assert [r.outcome.value for r in again] == ["duplicate", "accepted"]
        assert read(tmp_path / "sink") == [(f"key{n}", str(n), f"c{n}@example.com", "we_miss_you", "2026-03-02T09:30:00") for n in (1, 2, 3)]

    def test_not_idempotent_counts_each(self, tmp_path: Path) -> None:
        """Without idempotence the sink shows every double."""
        connector = memory(path=tmp_path / "sink", idempotent=False, append="message")
        connector.send(touches(1, 1), NOW)
        connector.send(touches(1), NOW)

        assert [row[0] for row in read(tmp_path / "sink")] == ["key1"] * 3

    def test_a_new_object_remembers(self) -> None:
        """Idempotence belongs to the provider's name, not to the object that talks to it."""
        memory().send(touches(1), NOW)

        assert [r.outcome.value for r in memory().send(touches(1, 2), NOW)] == ["duplicate", "accepted"]
        assert recorded() == touches(1, 2)

    def test_the_null_mode_settles_a_set_alike(self) -> None:
        """With record off nothing is rendered or kept, and one receipt stands for any number."""
        connector = memory(record=False, cost="0.01")
        can = connector.capabilities()

        assert (can.uniform, can.renders) == (True, False)
        assert connector.send_uniform(1_000_000, NOW) == Receipt(Outcome.ACCEPTED, cost=Decimal("0.01"))
        assert connector.send(touches(1, 1), NOW) == [Receipt(Outcome.ACCEPTED, cost=Decimal("0.01"))] * 2
        assert (connector.made, recorded()) == (1_000_002, [])

    def test_a_recording_connector_cannot_settle_alike(self) -> None:
        """send_uniform is an error where capabilities().uniform is False."""
        with pytest.raises(NotImplementedError, match="uniform"):
            memory().send_uniform(3, NOW)


class TestScript:
    def test_each_row_gets_what_the_script_says(self) -> None:
        """A mapping by key or address, or a callable; only accepted rows are made."""
        by_map = memory(script={"key1": "rejected", "c2@example.com": Receipt(Outcome.THROTTLED, retry_after=5.0)})
        receipts = by_map.send(touches(1, 2, 3), NOW)
        by_call = memory(script=lambda touch, now: Outcome.BLOCKED if touch.contact_id % 2 else None).send(touches(5, 6), NOW)

        assert [r.outcome.value for r in [*receipts, *by_call]] == ["rejected", "throttled", "accepted", "blocked", "accepted"]
        assert recorded() == touches(3, 6)

    def test_an_unknown_outcome_may_have_been_made_or_not(self) -> None:
        """LOST_AFTER is made and LOST_BEFORE is not; both say UNKNOWN, and lookup tells them apart."""
        connector = memory(script={"key1": LOST_BEFORE, "key2": LOST_AFTER}, lookup=True)
        receipts = connector.send(touches(1, 2), NOW)

        assert [r.outcome.value for r in receipts] == ["unknown", "unknown"]
        assert {k: r.outcome.value for k, r in connector.lookup(["key1", "key2"]).items()} == {"key1": "retry", "key2": "accepted"}

    def test_scripted_responses_come_when_they_are_due(self) -> None:
        """poll() lists a response once, when it has been received by then."""
        def answers(touch: Outgoing, now: datetime) -> list[Response]:
            due = now + timedelta(days=touch.contact_id)
            return [Response(f"click-{touch.key}", CLICKED, due, due, touch.key, touch.contact_id, None)]

        connector = memory(answers=answers)
        connector.send(touches(2, 1), NOW)
        first, cursor = connector.poll(None, NOW + timedelta(days=1))
        second, cursor = connector.poll(cursor, NOW + timedelta(days=3))

        assert [[r.key for r in heard] for heard in (first, second, connector.poll(cursor, NOW + timedelta(days=9))[0])] == [["key1"], ["key2"], []]


class TestFailures:
    def test_down_is_down(self) -> None:
        """A connector told to be down raises its kind of error, for as many calls as asked, and makes nothing."""
        connector = memory(down="credit", down_calls=1)
        with pytest.raises(ConnectorDown) as caught:
            connector.send(touches(1), NOW)

        assert (caught.value.error, recorded(), connector.check().ok) == (ErrorKind.CREDIT, [], False)
        assert connector.send(touches(1), NOW)[0].outcome is Outcome.ACCEPTED

    def test_it_raises_in_the_middle(self, tmp_path: Path) -> None:
        """With raises_after the n-th message is made, and the next is not."""
        connector = memory(raises_after=2, path=tmp_path / "sink")
        with pytest.raises(RuntimeError, match="after 2 messages"):
            connector.send(touches(1, 2, 3), NOW)

        assert [row[0] for row in read(tmp_path / "sink")] == ["key1", "key2"]

    @pytest.mark.parametrize("append", ["batch", "message"])
    def test_it_kills_its_process_after_the_nth(self, tmp_path: Path, append: str) -> None:
        """With die_after the process is gone by SIGKILL, and the sink holds exactly n; resending adds the others once."""
        child = get_context("fork").Process(target=lambda: memory(path=tmp_path / "sink", die_after=3, append=append).send(touches(1, 2, 3, 4, 5), NOW))
        child.start()
        child.join(20)

        assert child.exitcode == -signal.SIGKILL
        assert [row[0] for row in read(tmp_path / "sink")] == ["key1", "key2", "key3"]
        receipts = memory(path=tmp_path / "sink").send(touches(1, 2, 3, 4, 5), NOW)
        assert [r.outcome.value for r in receipts] == ["duplicate"] * 3 + ["accepted"] * 2

    def test_a_torn_line_was_not_accepted(self, tmp_path: Path) -> None:
        """A line cut short by a kill does not count, and spoils no later one."""
        (tmp_path / "sink").write_text("key1\t1\tc1@example.com\ts\tnow\nkey2\t2\tc2@ex")
        receipts = memory(path=tmp_path / "sink").send(touches(1, 2), NOW)

        assert [r.outcome.value for r in receipts] == ["duplicate", "accepted"]
        assert [row[0] for row in read(tmp_path / "sink")] == ["key1", "key2"]

    def test_two_processes_share_a_sink(self, tmp_path: Path) -> None:
        """Processes that send the same keys at once make each touch once."""
        fork = get_context("fork")
        children = [fork.Process(target=_send_many, args=(tmp_path / "sink",)) for _ in range(3)]
        for child in children:
            child.start()
        for child in children:
            child.join(30)

        assert [child.exitcode for child in children] == [0, 0, 0]
        assert sorted(row[0] for row in read(tmp_path / "sink")) == sorted(f"key{n}" for n in range(200))


def _send_many(path: Path) -> None:
    connector = memory(path=path)
    for n in range(0, 200, 20):
        connector.send(touches(*range(n, n + 20)), NOW)
    os._exit(0)


def test_a_sink_without_memory_only_appends(tmp_path: Path) -> None:
    """A sink that does not remember holds no keys, however long the file."""
    sink = Sink(tmp_path / "sink")
    with sink.locked():
        sink.append([("a", 1, "x", "s", "t")])
        sink.append([("a", 1, "x\ty\n", "s", "t")])
    sink.close()

    assert (sink.keys, read(tmp_path / "sink")) == (set(), [("a", "1", "x", "s", "t"), ("a", "1", "x y ", "s", "t")])
