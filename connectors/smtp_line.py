"""One SMTP connection, reused: envelopes in groups where the server allows it (RFC 2920)."""

from __future__ import annotations

import smtplib
import socket
import ssl

from connectors.base import ErrorKind, Receipt
from connectors.smtp_replies import receipt_of

__all__ = ["Broken", "Line", "NotOpened"]

_MORE = getattr(socket, "MSG_MORE", 0)


class NotOpened(Exception):
    """No conversation could be begun; `error` says whose fault, `retry_after` seconds to wait."""

    def __init__(self, reason: str, error: ErrorKind, retry_after: float | None = None):
        super().__init__(reason)
        self.error, self.retry_after = error, retry_after


class Broken(Exception):
    """The line broke, or the server is closing it: `receipt` is its last word, if it had one."""

    def __init__(self, receipt: Receipt | None = None):
        super().__init__("the line broke")
        self.receipt = receipt
        #: The row whose envelope was being written, if it was another than the one waited for.
        self.ahead: int | None = None


class Line:
    """A connection after EHLO, STARTTLS and login.

    `begin` writes an envelope ahead, `envelope` reads what became of it, `message` the data, `verdict` the last word.
    """

    def __init__(self, host: str, port: int, security: str, timeout: float, hello: str | None,
                 login: tuple[str, str] | None, ca_file: str | None):
        self.used = 0
        #: Kept from an earlier batch, and not used since.
        self.idle = False
        self._reset = False
        try:
            self._smtp = _opened(host, port, security, timeout, hello, login, ca_file)
        except smtplib.SMTPAuthenticationError as error:
            raise NotOpened(f"{host}:{port} refuses the login ({error.smtp_code})", ErrorKind.CONFIG) from None
        except smtplib.SMTPResponseException as error:
            said = receipt_of("connect", error.smtp_code, _text(error.smtp_error))
            raise NotOpened(f"{host}:{port} answers {said.code} {said.detail}", said.error, said.retry_after) from None
        except smtplib.SMTPNotSupportedError:
            reason = f"{host}:{port} does not offer what security={security!r} and the login need"
            raise NotOpened(reason, ErrorKind.CONFIG) from None
        except ssl.SSLError as error:
            raise NotOpened(f"{host}:{port}: no secure connection ({error.reason or 'certificate'})", ErrorKind.CONFIG) from None
        except (OSError, smtplib.SMTPException) as error:
            raise NotOpened(f"{host}:{port} cannot be reached ({type(error).__name__})", ErrorKind.NETWORK) from None
        self.pipelining = self._smtp.has_extn("pipelining")
        self.international = self._smtp.has_extn("smtputf8")
        # Its own buffer may hold what the server said ahead: the same reader goes on.
        self._sock, self._read = self._smtp.sock, self._smtp.file.readline
        self._more = 0 if isinstance(self._sock, ssl.SSLSocket) else _MORE

    def begin(self, sender: str, address: str) -> None:
        """Write the whole envelope at once if the server reads ahead; else keep it for `envelope`."""
        utf8 = " SMTPUTF8" if not address.isascii() else ""
        group = [f"MAIL FROM:<{sender}>{utf8}\r\n", f"RCPT TO:<{address}>\r\n", "DATA\r\n"]
        if self._reset:
            group.insert(0, "RSET\r\n")
        self._group = [line.encode() for line in group]
        if self.pipelining:
            self._write(b"".join(self._group))

    def envelope(self) -> Receipt | None:
        """None once the server waits for the message; else why it does not."""
        refused: Receipt | None = None
        phases = (["rset"] if self._reset else []) + ["mail", "rcpt", "data"]
        self._reset = False
        code = 0
        for phase, line in zip(phases, self._group):
            if not self.pipelining:
                if refused:
                    break
                self._write(line)
            code, text = self._reply()
            wanted = 354 if phase == "data" else 250
            if code // 10 != wanted // 10 and not refused:
                refused = receipt_of(phase, code, text)
        if refused and code == 354:
            # The server waits for data although it took no recipient: an empty message ends it (RFC 2920, 3.1).
            self._write(b".\r\n")
            self._reply()
        self._reset = refused is not None
        return refused

    def message(self, data: bytes) -> None:
        """Write the message without its final dot: if this breaks, the server has nothing."""
        self._write(data, self._more)

    def end(self) -> None:
        """Write the final dot: from here on the message may have been taken."""
        self._write(b".\r\n")

    def verdict(self) -> tuple[Receipt | None, str]:
        """What the server says of the message: a receipt if it refuses it, and its words."""
        code, text = self._reply()
        self.used += 1
        self.idle = False
        return (None if code // 100 == 2 else receipt_of("data", code, text)), text

    def close(self, politely: bool = True) -> None:
        """Hang up; a broken line is only dropped."""
        try:
            if politely:
                self._write(b"QUIT\r\n")
        except Broken:
            pass
        self._smtp.close()

    def refusal(self, sender: str) -> Receipt | None:
        """What the server has against mail of this sender; None: nothing. No message is begun. Raises Broken."""
        self._write(f"MAIL FROM:<{sender}>\r\n".encode())
        code, text = self._reply()
        self._write(b"RSET\r\n")
        self._reply()
        return None if code // 100 == 2 else receipt_of("mail", code, text)

    def _write(self, data: bytes, flags: int = 0) -> None:
        try:
            self._sock.sendall(data, flags) if flags else self._sock.sendall(data)
        except OSError:
            raise Broken from None

    def _reply(self) -> tuple[int, str]:
        texts = []
        while True:
            try:
                line = self._read(1024)
            except OSError:
                raise Broken from None
            if not line[:3].isdigit() or not line.endswith(b"\n"):
                raise Broken
            texts.append(line[4:])
            if line[3:4] != b"-":
                break
        code, text = int(line[:3]), _text(b" ".join(texts))
        if code == 421:
            raise Broken(receipt_of("data", code, text))
        return code, text


def _text(data: bytes | str) -> str:
    return data.decode("utf-8", "replace").strip() if isinstance(data, bytes) else data


def _opened(host: str, port: int, security: str, timeout: float, hello: str | None,
            login: tuple[str, str] | None, ca_file: str | None) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=ca_file) if security != "none" else None
    if security == "tls":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, hello, timeout=timeout, context=context)
    else:
        smtp = smtplib.SMTP(host, port, hello, timeout=timeout)
    try:
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if security == "starttls":
            smtp.starttls(context=context)
        smtp.ehlo_or_helo_if_needed()
        if login:
            smtp.login(*login)
    except BaseException:
        smtp.close()
        raise
    return smtp
