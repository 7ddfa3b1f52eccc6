"""Mail servers on loopback that tests start, and that refuse, stall or hang up as asked."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller

__all__ = ["Inbox", "Scripted", "free_port", "mail_server", "scripted_server"]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Inbox:
    """What a server received; `replies` maps a recipient, a sender or "data" to the reply it gets."""

    def __init__(self, replies: dict[str, str] | None = None):
        self.replies = replies or {}
        self.envelopes: list[tuple[str, list[str], bytes]] = []
        self.sessions: set[int] = set()

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.replies:
            return self.replies[address]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        for recipient in envelope.rcpt_tos:
            if f"data {recipient}" in self.replies:
                return self.replies[f"data {recipient}"]
        self.sessions.add(id(session))
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return "250 queued"

    @property
    def recipients(self) -> list[str]:
        return sorted(to for _, tos, _ in self.envelopes for to in tos)

    @property
    def messages(self) -> list[EmailMessage | Message]:
        return [message_from_bytes(data, policy=default) for _, _, data in self.envelopes]

    @property
    def keys(self) -> list[str]:
        return sorted(m["Message-ID"].strip("<>").partition("@")[0] for m in self.messages)


async def _ehlo(self: Inbox, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> list[str]:
    session.host_name = hostname
    return [responses[0], "250-PIPELINING", *responses[1:]]


@contextmanager
def mail_server(replies: dict[str, str] | None = None, *, pipelining: bool = False, **options: Any) -> Iterator[tuple[Inbox, int]]:
    """A server that keeps what it takes; yields the inbox and the port."""
    inbox = Inbox(replies)
    handler: Any = type("Handler", (Inbox,), {"handle_EHLO": _ehlo})() if pipelining else inbox
    handler.__dict__ = inbox.__dict__
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=True, **options)
    controller.start()
    try:
        yield inbox, controller.port
    finally:
        controller.stop()


class Scripted:
    """What a server that follows a script did: `commands` in order, and how many connections it had."""

    def __init__(self, script: dict[str, str]):
        self.script, self.commands, self.connections = script, [], 0
        self.data: list[bytes] = []


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        told: Scripted = self.server.told
        told.connections += 1
        number = told.connections
        if not self._say(told.script.get(f"greeting {number}", told.script.get("greeting", "220 ready"))):
            return
        while line := self.rfile.readline():
            verb = line.split()[0].decode().upper() if line.split() else ""
            told.commands.append(verb)
            if verb == "DATA":
                if not self._say(told.script.get(f"DATA {number}", told.script.get("DATA", "354 go"))):
                    return
                data = self._data(told)
                if data is None:
                    return
                told.data.append(data)
                verb = "dot"
            default = {"EHLO": told.script.get("EHLO", "250 here")}.get(verb, "250 ok")
            if not self._say(told.script.get(f"{verb} {number}", told.script.get(verb, default))) or verb == "QUIT":
                return

    def _data(self, told: Scripted) -> bytes | None:
        lines = []
        while line := self.rfile.readline():
            if told.script.get("within data") == "hang up":
                return None
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line)
        return None

    def _say(self, reply: str) -> bool:
        """Say it; "hang up" closes, "stall" says nothing for longer than a client waits."""
        if reply == "hang up":
            return False
        if reply == "stall":
            threading.Event().wait(1.5)
            return False
        self.wfile.write(reply.encode() + b"\r\n")
        return True


@contextmanager
def scripted_server(script: dict[str, str]) -> Iterator[tuple[Scripted, int]]:
    """A server that answers each verb as the script says: a reply, "hang up" or "stall"."""
    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    with Server(("127.0.0.1", 0), _Session) as server:
        server.told = Scripted(script)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.told, server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
