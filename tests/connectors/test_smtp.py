"""SMTP: what arrives is what was written, and every break leaves a receipt that says what is known."""

import ssl
import subprocess
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.base import ConnectorDown, ErrorKind, Health, Outcome, Outgoing, Receipt
from connectors.registry import connect

from tests.connectors.servers import Inbox, free_port, mail_server, scripted_server
from tests.installed import needs

NOW = datetime(2026, 3, 2, 9, 30, 15, 123456)


def touch(n: int, address: str = "", **content: str) -> Outgoing:
    said = {"subject": f"Bonjour {n}", "html": f"<p>Été {n}</p>", "text": f"Été {n}", "sender": "",
            "unsubscribe_url": f"https://example.org/u/{n}"} | content
    return Outgoing(f"key{n:05d}", n, address or f"c{n}@example.com", said, "fr", "", "commercial", {"chain": "newsletter_monthly"})


def mail(port: int, **settings: Any) -> Any:
    given = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "La Maison <hello@example.org>", "timeout": 1.0}
    return connect("smtp", "mail", given | settings)


def outcomes(receipts: list[Receipt]) -> list[str]:
    return [r.outcome.value for r in receipts]


@pytest.mark.parametrize("pipelining", [False, True])
class TestArrival:
    def test_what_arrives_is_what_was_written(self, pipelining: bool) -> None:
        """Headers, both parts, the key as Message-ID, and one-click unsubscription reach the other side."""
        with mail_server(pipelining=pipelining) as (inbox, port), closing(mail(port, unsubscribe="stop@example.org")) as connector:
            receipts = connector.send([touch(1, subject="Réouverture à Paris & ailleurs")], NOW)

        assert outcomes(receipts) == ["accepted"]
        [message] = inbox.messages
        assert {k: str(message[k]) for k in ("From", "To", "Subject", "Message-ID", "Date", "List-Id", "List-Unsubscribe",
                                             "List-Unsubscribe-Post", "MIME-Version")} == {
            "From": "La Maison <hello@example.org>", "To": "c1@example.com", "Subject": "Réouverture à Paris & ailleurs",
            "Message-ID": "<key00001@example.org>", "Date": "Mon, 02 Mar 2026 09:30:15 +0000",
            "List-Id": "<newsletter_monthly.example.org>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Unsubscribe": "<https://example.org/u/1>, <mailto:stop@example.org?subject=unsubscribe%20key00001>",
            "MIME-Version": "1.0"}
        assert [(p.get_content_type(), p.get_content()) for p in message.iter_parts()] == [
            ("text/plain", "Été 1"), ("text/html", "<p>Été 1</p>")]

    def test_a_copy_says_so_in_its_head(self, pipelining: bool) -> None:
        """A proof and a seed's copy bear what they are in a header, which no touch has."""
        copies = [replace(touch(n), key=f"{word}-3-1-{n}", tags={"chain": "spring", "copy": word}) for n, word in ((1, "proof"), (2, "seed"))]
        with mail_server(pipelining=pipelining) as (inbox, port), closing(mail(port, connections=1)) as connector:
            receipts = connector.send([*copies, touch(3)], NOW)

        assert outcomes(receipts) == ["accepted"] * 3
        assert [message["X-Relance-Copy"] for message in inbox.messages] == ["proof", "seed", None]

    def test_lines_are_reused(self, pipelining: bool) -> None:
        """A hundred messages in two batches go over as many connections as were asked for, each message once."""
        with mail_server(pipelining=pipelining) as (inbox, port), closing(mail(port, connections=3)) as connector:
            receipts = [*connector.send([touch(n) for n in range(60)], NOW), *connector.send([touch(n) for n in range(60, 100)], NOW)]

        assert Counter(outcomes(receipts)) == {"accepted": 100}
        assert inbox.keys == [f"key{n:05d}" for n in range(100)]
        assert len(inbox.sessions) <= 3

    def test_a_line_ends_after_its_share(self, pipelining: bool) -> None:
        """No connection carries more than messages_per_connection."""
        with mail_server(pipelining=pipelining) as (inbox, port), \
                closing(mail(port, connections=1, messages_per_connection=4)) as connector:
            receipts = connector.send([touch(n) for n in range(10)], NOW)

        assert outcomes(receipts) == ["accepted"] * 10
        assert (inbox.keys, len(inbox.sessions)) == ([f"key{n:05d}" for n in range(10)], 3)

    def test_each_refusal_belongs_to_its_row(self, pipelining: bool) -> None:
        """Refusals at RCPT and after the message are classified row by row; the others arrive."""
        replies = {"c2@example.com": "550 5.1.1 <c2@example.com>: user unknown", "c4@example.com": "450 4.2.2 mailbox full",
                   "data c6@example.com": "554 5.7.1 spam", "c8@example.com": "554 5.7.1 <c8@example.com>: Relay access denied"}
        with mail_server(replies, pipelining=pipelining) as (inbox, port), closing(mail(port, connections=1)) as connector:
            receipts = connector.send([touch(n) for n in range(10)], NOW)

        assert {n: (r.outcome, r.error, r.code, r.detail) for n, r in enumerate(receipts) if r.outcome is not Outcome.ACCEPTED} == {
            2: (Outcome.REJECTED, ErrorKind.INVALID_ADDRESS, "550 5.1.1", "5.1.1 <address>: user unknown"),
            4: (Outcome.RETRY, ErrorKind.PROVIDER, "450 4.2.2", "4.2.2 mailbox full"),
            6: (Outcome.REJECTED, ErrorKind.POLICY, "554 5.7.1", "5.7.1 spam"),
            8: (Outcome.RETRY, ErrorKind.CONFIG, "554 5.7.1", "5.7.1 <address>: Relay access denied")}
        assert inbox.keys == [f"key{n:05d}" for n in (0, 1, 3, 5, 7, 9)]

    def test_a_sender_that_is_refused_is_configuration(self, pipelining: bool) -> None:
        """A relay that refuses our sender stops the connector, and costs no touch."""
        with mail_server({"hello@example.org": "550 5.7.1 sender not allowed"}, pipelining=pipelining) as (inbox, port), \
                closing(mail(port)) as connector:
            receipts = connector.send([touch(n) for n in range(3)], NOW)

        assert [(r.outcome, r.error) for r in receipts] == [(Outcome.RETRY, ErrorKind.CONFIG)] * 3
        assert inbox.keys == []

    def test_a_dead_line_kept_from_before_costs_nothing(self, pipelining: bool) -> None:
        """A line that the server hung up between two batches is replaced, and the message sent once."""
        with ExitStack() as stack:
            inbox, port = stack.enter_context(mail_server(pipelining=pipelining, timeout=0.2))
            connector = stack.enter_context(closing(mail(port, connections=1)))
            connector.send([touch(1)], NOW)
            _wait_for_hang_up(connector)
            receipts = connector.send([touch(2)], NOW)

        assert outcomes(receipts) == ["accepted"]
        assert inbox.keys == ["key00001", "key00002"]


def _wait_for_hang_up(connector: Any) -> None:
    [line] = connector._lines
    line._sock.settimeout(5)
    while line._sock.recv(4096):
        pass


class TestBreaks:
    @pytest.mark.parametrize("ehlo", ["250 here", "250-here\r\n250 PIPELINING"])
    @pytest.mark.parametrize("how", ["hang up", "stall"])
    def test_a_break_after_the_final_dot_is_unknown(self, how: str, ehlo: str) -> None:
        """Once the final dot is written and no answer came, nobody knows; the message is not sent again."""
        with scripted_server({"EHLO": ehlo, "dot 1": how}) as (told, port), closing(mail(port, connections=1)) as connector:
            receipts = connector.send([touch(1), touch(2)], NOW)

        assert [(r.outcome, r.error) for r in receipts] == [(Outcome.UNKNOWN, ErrorKind.NETWORK), (Outcome.ACCEPTED, None)]
        assert [b"key00001" in d for d in told.data] == [True, False]

    @pytest.mark.parametrize("ehlo", ["250 here", "250-here\r\n250 PIPELINING"])
    @pytest.mark.parametrize("where", ["MAIL", "RCPT", "DATA"])
    def test_a_break_before_the_message_is_tried_again(self, where: str, ehlo: str) -> None:
        """A line that breaks before the final dot has sent nothing: the touch goes over a new line, once."""
        with scripted_server({"EHLO": ehlo, f"{where} 1": "hang up"}) as (told, port), closing(mail(port, connections=1)) as connector:
            receipts = connector.send([touch(1), touch(2)], NOW)

        assert outcomes(receipts) == ["accepted"] * 2
        assert [b"key0000%d" % n in data for n, data in zip((1, 2), told.data, strict=True)] == [True, True]

    def test_a_line_that_always_breaks_gives_back_the_touch(self) -> None:
        """Two breaks before the final dot are RETRY: nothing was made, the outbox has it again."""
        with scripted_server({"MAIL": "hang up"}) as (told, port), closing(mail(port, connections=1)) as connector:
            receipts = connector.send([touch(1)], NOW)

        assert [(r.outcome, r.error) for r in receipts] == [(Outcome.RETRY, ErrorKind.NETWORK)]
        assert (told.commands.count("MAIL"), told.data) == (2, [])

    def test_too_fast_is_throttled_with_a_wait(self) -> None:
        """421 closes the line: its touch is THROTTLED with a wait, the others go over another line."""
        with scripted_server({"MAIL 1": "421 4.7.0 slow down"}) as (told, port), closing(mail(port, connections=1)) as connector:
            receipts = connector.send([touch(1), touch(2)], NOW)

        assert [(r.outcome, r.error, r.retry_after) for r in receipts] == [
            (Outcome.THROTTLED, ErrorKind.RATE, 60.0), (Outcome.ACCEPTED, None, None)]

    def test_a_relay_that_takes_no_more_lines_gives_back_the_rest(self) -> None:
        """421 instead of a second greeting leaves the rest THROTTLED; what went before stays accepted."""
        script = {"greeting 2": "421 4.7.0 too many connections"}
        with scripted_server(script) as (told, port), closing(mail(port, connections=1, messages_per_connection=2)) as connector:
            receipts = connector.send([touch(n) for n in range(4)], NOW)

        assert outcomes(receipts) == ["accepted", "accepted", "throttled", "throttled"]

    @pytest.mark.parametrize(("script", "error"), [
        ({"greeting": "421 busy"}, ErrorKind.RATE), ({"greeting": "554 not you"}, ErrorKind.CONFIG), ({"greeting": "hang up"}, ErrorKind.NETWORK)])
    def test_no_line_at_all_is_connector_down(self, script: dict[str, str], error: ErrorKind) -> None:
        """If no connection opens, nothing of the batch was sent, and the error says whose fault."""
        with scripted_server(script) as (_, port), closing(mail(port)) as connector:
            with pytest.raises(ConnectorDown, match="connector 'mail': 127.0.0.1") as caught:
                connector.send([touch(n) for n in range(30)], NOW)
            assert caught.value.error is error
            assert not connector.check().ok

    def test_nobody_listens(self) -> None:
        """A port without a server is a broken network."""
        with closing(mail(free_port())) as connector, pytest.raises(ConnectorDown) as caught:
            connector.send([touch(1)], NOW)
        assert caught.value.error is ErrorKind.NETWORK

    def test_a_refused_login_is_configuration_without_the_password(self) -> None:
        """A wrong password stops the connector; the error does not repeat it."""
        script = {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "535 5.7.8 no"}
        with scripted_server(script) as (_, port), closing(mail(port, username="me", password="Zx9-secret")) as connector:
            with pytest.raises(ConnectorDown) as caught:
                connector.send([touch(1)], NOW)
        assert caught.value.error is ErrorKind.CONFIG
        assert "Zx9" not in repr(caught.value) and "Zx9" not in repr(connector.settings)


class TestChecking:
    def test_a_relay_that_takes_us(self) -> None:
        """The check logs in, asks whether mail of our sender is taken, and sends nothing."""
        script = {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "235 welcome"}
        with scripted_server(script) as (told, port), closing(mail(port, username="me", password="Zx9-secret")) as connector:
            health = connector.check()

        assert health == Health(True, detail=f"127.0.0.1:{port}, none", credentials="login accepted",
                                sender="hello@example.org accepted")
        assert told.commands[:4] == ["EHLO", "AUTH", "MAIL", "RSET"] and "DATA" not in told.commands

    @pytest.mark.parametrize(("script", "settings", "problem", "error"), [
        ({"MAIL": "553 5.7.1 <hello@example.org> is not yours"}, {}, "sender: {where} takes no mail of hello@example.org", ErrorKind.CONFIG),
        ({"MAIL": "553 5.7.1 no"}, {"bounces": "b+{key}@example.org"}, "bounces: {where} takes no mail of b+", ErrorKind.CONFIG),
        ({"MAIL": "451 4.3.0 later"}, {}, "sender: {where} takes no mail of hello@example.org", ErrorKind.PROVIDER),
        ({"MAIL": "hang up"}, {}, "{where}: the line broke", ErrorKind.NETWORK),
        ({"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "535 5.7.8 Zx9-secret is wrong"}, {"username": "me", "password": "Zx9-secret"},
         "127.0.0.1:{port} refuses the login (535)", ErrorKind.CONFIG)])
    def test_what_is_wrong(self, script: dict[str, str], settings: dict[str, str], problem: str, error: ErrorKind) -> None:
        """A problem names its setting and whose fault it is, and repeats no secret."""
        with scripted_server(script) as (_, port), closing(mail(port, **settings)) as connector:
            health = connector.check()

        assert (health.ok, health.error) == (False, error)
        assert health.problems[0].startswith(problem.format(where=f"127.0.0.1:{port}, none", port=port))
        assert "Zx9" not in repr(health)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    needs("openssl")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder / "key.pem",
                    "-out", folder / "cert.pem"], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


class TestSecurity:
    def test_starttls_with_a_known_certificate(self, certificate: tuple[Path, Path]) -> None:
        """STARTTLS is used and the certificate checked; the message arrives."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        with mail_server(tls_context=context, require_starttls=True) as (inbox, port), \
                closing(mail(port, security="starttls", ca_file=str(certificate[0]))) as connector:
            assert outcomes(connector.send([touch(1)], NOW)) == ["accepted"]
        assert inbox.keys == ["key00001"]

    def test_an_unknown_certificate_sends_nothing(self, certificate: tuple[Path, Path]) -> None:
        """A certificate that nobody vouches for is configuration, and nothing leaves."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        with mail_server(tls_context=context) as (inbox, port), closing(mail(port, security="starttls")) as connector:
            with pytest.raises(ConnectorDown) as caught:
                connector.send([touch(1)], NOW)
        assert (caught.value.error, inbox.keys) == (ErrorKind.CONFIG, [])

    def test_no_silent_fall_back_to_plain_text(self) -> None:
        """A relay without STARTTLS is refused when STARTTLS is asked for."""
        with mail_server() as (inbox, port), closing(mail(port, security="starttls")) as connector:
            with pytest.raises(ConnectorDown) as caught:
                connector.send([touch(1)], NOW)
        assert (caught.value.error, inbox.keys) == (ErrorKind.CONFIG, [])


@pytest.mark.prove
class TestPostfix:
    """A private Postfix, which relays to a server of the test."""

    @pytest.fixture
    def postfix(self, tmp_path_factory: pytest.TempPathFactory) -> Any:
        from tests.connectors.postfix import relay

        needs("postfix")
        with mail_server() as (inbox, sink), relay(sink) as port:
            yield inbox, port

    def test_two_hundred_messages_pass_a_real_relay_once(self, postfix: tuple[Inbox, int]) -> None:
        """Postfix takes pipelined envelopes over four lines, and each message arrives once; what it refuses is classified."""
        inbox, port = postfix
        batch = [touch(n) for n in range(200)] + [touch(900, "nobody@unroutable.invalid"), touch(901, "a@elsewhere.example")]
        with closing(mail(port, connections=4, timeout=30)) as connector:
            assert connector.check().ok
            receipts = connector.send(batch, NOW)
        _until(lambda: len(inbox.envelopes) >= 200)

        assert Counter(outcomes(receipts[:200])) == {"accepted": 200}
        assert [(r.outcome, r.error, r.code) for r in receipts[200:]] == [(Outcome.REJECTED, ErrorKind.INVALID_ADDRESS, "550 5.1.2")] * 2
        assert inbox.keys == [f"key{n:05d}" for n in range(200)]


def _until(true: Any, seconds: float = 60.0) -> None:
    import time

    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
