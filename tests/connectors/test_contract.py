"""What every connector keeps to, found by its file: a new one is tested the moment it exists."""

import pickle
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.base import CHANNELS, BadSignature, Base, Connector, ErrorKind, Health, Outcome, Outgoing, RawRequest, Receipt
from connectors.registry import BadSettings, UnknownConnector, connect, connector_class, kinds

from tests.connectors.stages import STAGES, Stage

NOW = datetime(2026, 3, 2, 9, 30)
HOSTILE = "Ann\r\nBcc: all@example.com\r\n\r\n<script>{{ 7*7 }}</script>\x00\u2028.\r\n.\r\n" + "x" * 10_000


def touch(n: int, address: str | None = None, **content: str) -> Outgoing:
    said = {"subject": f"Hello {n}", "sender": "", "preheader": "", "html": "<p>Hello</p>", "text": "Hello",
            "unsubscribe_url": "https://example.org/u/1"} | content
    tags = {"chain": "reactivate_lapsed", "step": "we_miss_you", "wave": "3", "run": "r1", "visit": "1", "leg": "1", "channel": "email"}
    return Outgoing(f"key{n:05d}", n, address or f"contact{n}@example.com", said, "en", "Europe/Paris", "commercial", tags)


@pytest.fixture(params=kinds())
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    assert request.param in STAGES, f"connectors/{request.param}.py has no stage in tests/connectors/stages.py"
    with STAGES[request.param](tmp_path) as made:
        yield made
        made.connector.close()


class TestSending:
    def test_one_receipt_per_row_in_order(self, stage: Stage) -> None:
        """The n-th receipt answers the n-th touch."""
        receipts = stage.connector.send([touch(n) for n in range(30)], NOW)

        assert [type(r) for r in receipts] == [Receipt] * 30
        assert [r.outcome for r in receipts] == [Outcome.ACCEPTED] * 30
        assert stage.arrived() in (None, [f"key{n:05d}" for n in range(30)])

    def test_an_empty_batch_is_no_touch(self, stage: Stage) -> None:
        """Nothing to send gives no receipt and no error."""
        assert list(stage.connector.send([], NOW)) == []

    def test_one_bad_row_spoils_no_other(self, stage: Stage) -> None:
        """An address that is refused costs one touch of the batch, not the batch."""
        batch = [touch(n, "bad@example.com" if n == 7 else None) for n in range(20)]
        receipts = stage.connector.send(batch, NOW)
        others = [r.outcome for n, r in enumerate(receipts) if n != 7]

        assert others == [Outcome.ACCEPTED] * 19
        assert receipts[7].outcome in (Outcome.ACCEPTED, Outcome.REJECTED)

    def test_idempotent_means_once_at_the_receiver(self, stage: Stage) -> None:
        """An idempotent connector takes a key once, and says DUPLICATE the second time, also within one batch."""
        if not stage.connector.capabilities().idempotent:
            pytest.skip("not idempotent, and says so")
        first = stage.connector.send([touch(1), touch(2), touch(2)], NOW)
        again = stage.connector.send([touch(2), touch(3)], NOW + timedelta(minutes=5))

        assert [r.outcome for r in first] == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.DUPLICATE]
        assert [r.outcome for r in again] == [Outcome.DUPLICATE, Outcome.ACCEPTED]
        assert stage.arrived() in (None, ["key00001", "key00002", "key00003"])

    def test_lookup_tells_made_from_never_seen(self, stage: Stage) -> None:
        """A connector that can look up says ACCEPTED for what it took and RETRY for what never came."""
        if not stage.connector.capabilities().lookup:
            with pytest.raises(NotImplementedError, match="lookup"):
                stage.connector.lookup(["key00001"])
            return
        stage.connector.send([touch(1)], NOW)
        found = stage.connector.lookup(["key00001", "key00009"])

        assert {k: r.outcome for k, r in found.items()} == {"key00001": Outcome.ACCEPTED, "key00009": Outcome.RETRY}

    def test_hostile_values_do_no_harm(self, stage: Stage) -> None:
        """Line breaks, markup, dots and ten thousand letters in a value are content, never structure."""
        receipts = stage.connector.send([touch(1, subject=HOSTILE, text=HOSTILE, html=HOSTILE), touch(2)], NOW)

        assert [r.outcome for r in receipts] == [Outcome.ACCEPTED] * 2
        assert stage.arrived() in (None, ["key00001", "key00002"])

    def test_a_hostile_address_is_a_receipt(self, stage: Stage) -> None:
        """An address that is none never raises, and never becomes a command."""
        addresses = ["", "nobody", "a@b\r\nRCPT TO:<x@example.com>", "a b@example.com", "<a@example.com>", "a@" + "x" * 400]
        receipts = stage.connector.send([touch(n, a or " ") for n, a in enumerate(addresses)], NOW)

        assert len(receipts) == len(addresses)
        assert {r.outcome for r in receipts} <= {Outcome.ACCEPTED, Outcome.REJECTED}


class TestPromises:
    def test_capabilities_are_whole(self, stage: Stage) -> None:
        """Channels are known words, batches hold at least one, and what is declared stays so."""
        can = stage.connector.capabilities()

        assert can.channels and can.channels <= CHANNELS
        assert can.max_batch >= 1 and (can.rate is None or can.rate > 0) and can.latency >= timedelta(0)
        assert not (can.simulated_clock and can.real_addresses)
        assert can == stage.connector.capabilities()

    def test_every_verb_exists(self, stage: Stage) -> None:
        """The protocol's verbs are there, and what is not supported says so by name."""
        connector: Connector = stage.connector

        assert isinstance(connector, Base) and connector.name in repr(connector)
        assert isinstance(connector.quote(10), Decimal)
        assert isinstance(connector.check(), Health) and connector.check().ok
        assert set(connector.cancel(["nobody"]).items()) == {("nobody", False)}
        responses, _ = connector.poll(None, NOW)
        assert responses == []
        with pytest.raises((BadSignature, NotImplementedError)):
            connector.verify(RawRequest("POST", "/", {}, b"{}"))

    def test_secrets_are_never_shown(self, stage: Stage) -> None:
        """No secret in the repr of the connector or its settings, nor in its health."""
        shown = f"{stage.connector!r} {stage.connector.settings!r} {stage.connector.settings} {stage.connector.check()}"

        assert not [s for s in stage.secrets if s in shown]

    def test_quote_grows_with_the_count(self, stage: Stage) -> None:
        """Ten touches cost ten times one."""
        assert stage.connector.quote(10) == 10 * stage.connector.quote(1)

    def test_can_be_used_after_close(self, stage: Stage) -> None:
        """Closing lets go of files and lines, not of the connector."""
        stage.connector.close()

        assert stage.connector.send([touch(1)], NOW)[0].outcome is Outcome.ACCEPTED


class TestRegistry:
    def test_a_kind_is_a_file(self) -> None:
        """The kinds are the files that declare a CONNECTOR."""
        assert {"folder", "memory", "smtp"} <= set(kinds())
        assert all(issubclass(connector_class(kind), Base) for kind in kinds())

    def test_unknown_kind_names_those_there_are(self) -> None:
        """A kind without a file is an error with the kinds found."""
        with pytest.raises(UnknownConnector, match=r"no connector of kind 'pigeon': .* found .*folder, memory"):
            connect("pigeon", "p", {})

    def test_bad_settings_name_fields_and_repeat_no_value(self) -> None:
        """Wrong settings name each field and what is accepted; the value may be a secret."""
        with pytest.raises(BadSettings) as caught:
            connect("smtp", "mail", {"host": "h", "port": "hunter2", "pasword": "hunter3", "sender": "a@example.org"})

        assert "port" in str(caught.value) and "pasword" in str(caught.value) and "password" in str(caught.value)
        assert "hunter" not in f"{caught.value}{caught.value.__cause__}"

    def test_connector_down_survives_a_process_boundary(self) -> None:
        """ConnectorDown keeps its kind and its wait when it is pickled."""
        from connectors.base import ConnectorDown

        back = pickle.loads(pickle.dumps(ConnectorDown("no line", ErrorKind.RATE, 30.0)))
        assert (str(back), back.error, back.retry_after) == ("no line", ErrorKind.RATE, 30.0)
