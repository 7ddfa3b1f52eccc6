"""E-mail by SMTP: reused connections in threads, one receipt per row, never a message twice by its own doing."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.utils import parseaddr
from threading import Lock
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from connectors.base import Base, Capabilities, ConnectorDown, ErrorKind, Health, Outcome, Outgoing, Receipt, Settings
from connectors.mime import BadAddress, Letterhead, address_of, stuffed
from connectors.smtp_line import Broken, Line, NotOpened

__all__ = ["CONNECTOR", "Smtp", "SmtpSettings"]


_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")


class SmtpSettings(Settings):
    """The relay, the login, the sender."""

    host: str
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    ca_file: str | None = Field(None, description="Certificates to trust instead of the system's")
    sender: str = Field(description="Where a message names no sender: Name <name@domain>")
    reply_to: str | None = None
    bounces: str | None = Field(None, description="Envelope sender; {key} in it tells one touch's bounce from another's")
    unsubscribe: str | None = Field(None, description="Address that takes unsubscriptions by mail")
    message_domain: str | None = Field(None, description="Domain of the Message-ID; the sender's unless given")
    hello: str | None = Field(None, description="The name we greet with; this machine's unless given")
    connections: int = Field(8, ge=1, le=64)
    messages_per_connection: int = Field(500, ge=1)
    max_rate: float | None = Field(None, gt=0, description="Messages per second over all processes")
    max_batch: int = Field(1000, ge=1)
    timeout: float = Field(60.0, gt=0, description="Seconds to wait for one answer")
    require_unsubscribe: bool = Field(True, description="Refuse what is not transactional and carries no unsubscribe_url")

    @field_validator("sender", "reply_to", "unsubscribe")
    @classmethod
    def _mailbox(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                address_of(parseaddr(value)[1])
            except BadAddress as error:
                raise ValueError(f"{error}; write name@domain or Name <name@domain>") from None
        return value

    @field_validator("bounces")
    @classmethod
    def _bounces(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^\s<>@]+@[^\s<>@]+", value):
            raise ValueError("write name@domain or name+{key}@domain")
        return value


class _Work:
    """One batch on its way: what is left to send, tried how often, and the receipts by position."""

    def __init__(self, batch: Sequence[Outgoing], now: datetime):
        self.batch, self.now = batch, now
        self.receipts: list[Receipt | None] = [None] * len(batch)
        self.addresses: list[str] = [""] * len(batch)
        self.left: deque[int] = deque()
        self.tries = [0] * len(batch)
        self.closed: NotOpened | None = None

    def take(self) -> int | None:
        try:
            return self.left.popleft()
        except IndexError:
            return None


class Smtp(Base):
    """A relay that takes mail. A message is lost from sight only between its final dot and the answer: UNKNOWN."""

    Settings = SmtpSettings
    settings: SmtpSettings

    def __init__(self, name: str, settings: SmtpSettings):
        super().__init__(name, settings)
        s = settings
        self._head = Letterhead(s.sender, s.message_domain, s.reply_to, s.unsubscribe)
        self._lines: list[Line] = []
        self._lock = Lock()
        self._threads: ThreadPoolExecutor | None = None

    def capabilities(self) -> Capabilities:
        """Real people by e-mail, at `max_rate`; SMTP knows neither keys nor look-ups."""
        return Capabilities(channels=frozenset({"email"}), max_batch=self.settings.max_batch,
                            rate=self.settings.max_rate, latency=timedelta(0), real_addresses=True)

    def send(self, batch: Sequence[Outgoing], now: datetime) -> Sequence[Receipt]:
        """One receipt per row. Raises ConnectorDown if no connection could be opened for any of them."""
        work = _Work(batch, now)
        for i, touch in enumerate(batch):
            work.receipts[i] = self._refused(touch, work, i)
            if work.receipts[i] is None:
                work.left.append(i)
        waiting = len(work.left)
        # Under ten messages a connection costs more than it saves.
        lines = min(self.settings.connections, -(-waiting // 10))
        if lines <= 1:
            self._drain(work)
        else:
            self._threads = self._threads or ThreadPoolExecutor(self.settings.connections, thread_name_prefix=f"smtp-{self.name}")
            list(self._threads.map(self._drain, [work] * lines))
        if work.left and len(work.left) == waiting:
            raise ConnectorDown(f"connector {self.name!r}: {work.closed}", work.closed.error, work.closed.retry_after)
        for i in work.left:
            outcome = Outcome.THROTTLED if work.closed.error is ErrorKind.RATE else Outcome.RETRY
            work.receipts[i] = Receipt(outcome, error=work.closed.error, detail=str(work.closed),
                                       retry_after=work.closed.retry_after)
        return work.receipts

    def _refused(self, touch: Outgoing, work: _Work, i: int) -> Receipt | None:
        if not _KEY.fullmatch(touch.key):
            return Receipt(Outcome.REJECTED, error=ErrorKind.CONTENT, code="key",
                           detail="a key is 1 to 64 letters, digits, . _ or -")
        try:
            work.addresses[i] = address_of(touch.address)
        except BadAddress as error:
            return Receipt(Outcome.REJECTED, error=ErrorKind.INVALID_ADDRESS, code="address", detail=str(error))
        content = touch.content
        if isinstance(content, bytes) or touch.purpose == "transactional" or not self.settings.require_unsubscribe:
            return None
        if not content.get("unsubscribe_url"):
            return Receipt(Outcome.BLOCKED, error=ErrorKind.POLICY, code="unsubscribe",
                           detail=f"a {touch.purpose or 'commercial'} message without unsubscribe_url")
        return None

    def _drain(self, work: _Work) -> None:
        """Send what is left over one line after another, until there is nothing, or no line can be opened."""
        while work.left:
            try:
                line = self._line()
            except NotOpened as error:
                work.closed = error
                return
            try:
                self._talk(line, work)
            except BaseException:
                line.close(politely=False)
                raise

    def _talk(self, line: Line, work: _Work) -> None:
        """Send over one line until the work or the line ends; the next envelope travels behind this final dot."""
        here, ahead, ended = None, None, False
        try:
            here = self._next(line, work)
            while here is not None:
                i, data = here
                refused = line.envelope()
                if refused is None:
                    line.message(data)
                    ended = True
                    line.end()
                more = line.used + 1 < self.settings.messages_per_connection
                ahead = self._next(line, work) if more else None
                said = ""
                if refused is None:
                    refused, said = line.verdict()
                    ended = False
                work.receipts[i] = refused or Receipt(Outcome.ACCEPTED, detail=said[:80] or None)
                here, ahead = ahead, None
        except Broken as broken:
            line.close(politely=False)
            for i in (broken.ahead, ahead and ahead[0]):
                if i is not None and not (here and here[0] == i):
                    work.left.appendleft(i)
            if here is not None:
                self._after(work, here[0], ended, broken, line.idle)
            return
        self._keep(line)

    def _after(self, work: _Work, i: int, ended: bool, broken: Broken, idle: bool) -> None:
        """What a broken line leaves of the message on it: unknown after its final dot, else to be tried once more."""
        if broken.receipt is not None:
            work.receipts[i] = broken.receipt
        elif ended:
            work.receipts[i] = Receipt(Outcome.UNKNOWN, error=ErrorKind.NETWORK, detail="the line broke after the final dot")
        elif idle or work.tries[i] < 1:
            # A line that a server hung up while we kept it says nothing about this message.
            work.tries[i] += not idle
            work.left.appendleft(i)
        else:
            work.receipts[i] = Receipt(Outcome.RETRY, error=ErrorKind.NETWORK, detail="the line broke twice before the final dot")

    def _next(self, line: Line, work: _Work) -> tuple[int, bytes] | None:
        """The next row that can be put in bytes, its envelope written; the others get their receipt."""
        while (i := work.take()) is not None:
            touch, address = work.batch[i], work.addresses[i]
            try:
                data = stuffed(self._head.build(touch, address, work.now))
                sender = (self.settings.bounces or self._head.envelope_sender(touch)).replace("{key}", touch.key)
            except Exception as error:
                work.receipts[i] = Receipt(Outcome.REJECTED, error=ErrorKind.CONTENT, code="message", detail=type(error).__name__)
                continue
            if not address.isascii() and not line.international:
                work.receipts[i] = Receipt(Outcome.REJECTED, error=ErrorKind.INVALID_ADDRESS, code="address",
                                           detail="the relay takes no international address")
                continue
            try:
                line.begin(sender, address)
            except Broken as broken:
                broken.ahead = i
                raise
            return i, data
        return None

    def _keep(self, line: Line) -> None:
        if line.used >= self.settings.messages_per_connection:
            line.close()
            return
        line.idle = True
        with self._lock:
            self._lines.append(line)

    def _line(self) -> Line:
        with self._lock:
            kept = self._lines.pop() if self._lines else None
        return kept or self._open()

    def _open(self) -> Line:
        s = self.settings
        login = (s.username, s.password.get_secret_value() if s.password else "") if s.username else None
        return Line(s.host, s.port, s.security, s.timeout, s.hello, login, s.ca_file)

    def check(self) -> Health:
        """Greets the relay, logs in, asks whether it takes mail of our sender, and hangs up."""
        s = self.settings
        where = f"{s.host}:{s.port}, {s.security}"
        sender = (s.bounces or address_of(parseaddr(s.sender)[1])).replace("{key}", "check")
        try:
            line = self._open()
        except NotOpened as error:
            return Health(ok=False, problems=(str(error),), detail=where, error=error.error)
        login = "login accepted" if s.username else "no login"
        try:
            refused = line.refusal(sender)
        except Broken:
            return Health(False, (f"{where}: the line broke",), where, login, error=ErrorKind.NETWORK)
        finally:
            line.close()
        if refused is not None:
            said = f"{where} takes no mail of {sender} ({refused.code}: {refused.detail})"
            setting = "bounces" if s.bounces else "sender"
            return Health(False, (f"{setting}: {said}",), where, login, f"{sender} refused", error=refused.error)
        return Health(True, detail=where, credentials=login, sender=f"{sender} accepted")

    def close(self) -> None:
        """Hang up every line."""
        with self._lock:
            lines, self._lines = self._lines, []
        for line in lines:
            line.close()
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None


CONNECTOR = Smtp
