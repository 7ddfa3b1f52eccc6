"""What stands in an e-mail's bytes, and what a server's reply to them means."""

import email.header
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import ErrorKind, Outcome
from connectors.mime import Letterhead, header_text, stuffed
from connectors.smtp_replies import CLASSES, CODES, PHASES, STATUS, receipt_of

from tests.connectors.servers import mail_server, scripted_server
from tests.connectors.test_smtp import NOW, mail, outcomes, touch


class TestBytes:
    def test_marketing_without_unsubscription_is_blocked(self) -> None:
        """A commercial message without unsubscribe_url never leaves; a transactional one may."""
        with mail_server() as (inbox, port), closing(mail(port)) as connector:
            bare = touch(1, unsubscribe_url="")
            receipts = connector.send([bare, replace(touch(2, unsubscribe_url=""), purpose="transactional")], NOW)

        assert [(r.outcome, r.error) for r in receipts] == [(Outcome.BLOCKED, ErrorKind.POLICY), (Outcome.ACCEPTED, None)]
        assert inbox.keys == ["key00002"]

    def test_dots_and_raw_bytes_arrive_unchanged(self) -> None:
        """A message given as bytes arrives as it is, leading dots and all."""
        raw = b"Message-ID: <key00001@x>\r\nSubject: s\r\n\r\n.one\r\n..two\r\n.\r\nthree\r\n"
        with mail_server() as (inbox, port), closing(mail(port)) as connector:
            connector.send([replace(touch(1), content=raw)], NOW)
        assert [data for _, _, data in inbox.envelopes] == [raw]

    @given(st.text(max_size=200))
    def test_no_value_makes_a_header(self, value: str) -> None:
        """Whatever stands in a subject or a sender's name, the message has the headers we wrote and no other."""
        data = Letterhead("House <house@example.org>").build(touch(1, subject=value), "c1@example.com", NOW)
        head = data.split(b"\r\n\r\n")[0].split(b"\r\n")
        names = [line.split(b":")[0] for line in head if not line.startswith(b" ")]

        assert names == [b"MIME-Version", b"Date", b"From", b"To", b"Subject", b"Message-ID", b"List-Id", b"List-Unsubscribe",
                         b"List-Unsubscribe-Post", b"Content-Type"]
        assert all(len(line) <= 998 for line in data.split(b"\r\n"))

    @given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300))
    def test_a_header_reads_back(self, value: str) -> None:
        """A subject decodes to what was written, spaces at its ends apart."""
        read = "".join(part.decode(code or "ascii") if isinstance(part, bytes) else part
                       for part, code in email.header.decode_header(header_text(value)))
        assert read == value.strip()

    def test_dots_are_doubled_at_line_starts_only(self) -> None:
        """RFC 5321, 4.5.2."""
        assert stuffed(b".a\r\nb.c\r\n.\r\n") == b"..a\r\nb.c\r\n..\r\n"

    def test_the_bounce_address_tells_the_touch(self) -> None:
        """The envelope's sender carries the key, so that a bounce finds its row."""
        with mail_server() as (inbox, port), closing(mail(port, bounces="bounce+{key}@example.org")) as connector:
            connector.send([touch(1)], NOW)
        assert [sender for sender, _, _ in inbox.envelopes] == ["bounce+key00001@example.org"]

    def test_international_addresses(self) -> None:
        """A domain beyond ASCII travels as punycode; a name beyond ASCII needs a relay that takes it."""
        with mail_server() as (inbox, port), closing(mail(port)) as connector:
            assert outcomes(connector.send([touch(1, "zoe@bücher.example"), touch(2, "zoé@example.com")], NOW)) == ["accepted"] * 2
        assert inbox.recipients == ["zoe@xn--bcher-kva.example", "zoé@example.com"]
        with scripted_server({}) as (told, port), closing(mail(port)) as connector:
            [receipt] = connector.send([touch(2, "zoé@example.com")], NOW)
        assert (receipt.outcome, receipt.error) == (Outcome.REJECTED, ErrorKind.INVALID_ADDRESS)


class TestReplies:
    @pytest.mark.parametrize(("phase", "code", "text", "outcome", "error"), [
        ("rcpt", 550, "no such user", Outcome.REJECTED, ErrorKind.INVALID_ADDRESS),
        ("rcpt", 552, "5.2.2 mailbox full", Outcome.REJECTED, ErrorKind.PROVIDER),
        ("rcpt", 450, "4.7.1 greylisted", Outcome.RETRY, ErrorKind.PROVIDER),
        ("rcpt", 421, "4.7.0 try later", Outcome.THROTTLED, ErrorKind.RATE),
        ("data", 552, "5.3.4 too big", Outcome.REJECTED, ErrorKind.CONTENT),
        ("data", 550, "5.7.515 not authenticated", Outcome.RETRY, ErrorKind.CONFIG),
        ("login", 535, "5.7.8 bad credentials", Outcome.RETRY, ErrorKind.CONFIG),
        ("rcpt", 599, "never heard of", Outcome.REJECTED, ErrorKind.PROVIDER),
        ("rcpt", 499, "never heard of", Outcome.RETRY, ErrorKind.PROVIDER),
        ("rcpt", 999, "", Outcome.RETRY, ErrorKind.PROVIDER),
    ])
    def test_a_reply_means_one_thing(self, phase: str, code: int, text: str, outcome: Outcome, error: ErrorKind) -> None:
        """The enhanced code decides, else the code in its phase, else its class; what nobody listed is the provider's."""
        receipt = receipt_of(phase, code, text)
        assert (receipt.outcome, receipt.error) == (outcome, error)

    def test_every_row_of_the_tables_is_a_refusal(self) -> None:
        """No reply in the tables counts as taken, and only THROTTLED is about rate."""
        rows = [*STATUS.values(), *CODES.values(), *CLASSES.values()]
        assert {outcome for outcome, _ in rows} <= {Outcome.REJECTED, Outcome.RETRY, Outcome.THROTTLED}
        assert {outcome for outcome, error in rows if error is ErrorKind.RATE} == {Outcome.THROTTLED}
        assert {phase for phase, _ in CODES} <= {*PHASES, None}
