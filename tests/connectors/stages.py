"""Each connector set up against something real enough to count what arrived."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from connectors.base import Connector
from connectors.memory import forget
from connectors.registry import connect
from connectors.sink import read

from tests.connectors.servers import mail_server

__all__ = ["STAGES", "Stage"]


@dataclass
class Stage:
    """A connector, the keys that arrived behind it (sorted; None where that cannot be seen), and its secrets."""

    connector: Connector
    arrived: Callable[[], list[str] | None]
    secrets: tuple[str, ...] = ()


@contextmanager
def _smtp(folder: Path) -> Iterator[Stage]:
    with mail_server({"bad@example.com": "550 5.1.1 <bad@example.com>: no such mailbox"}) as (inbox, port):
        settings = {"host": "127.0.0.1", "port": port, "security": "none", "password": "Zx9-secret", "connections": 2,
                    "sender": "House <house@example.org>"}
        yield Stage(connect("smtp", "mail", settings), lambda: inbox.keys, ("Zx9-secret",))


@contextmanager
def _memory(folder: Path) -> Iterator[Stage]:
    forget()
    sink = folder / "sink.tsv"
    script = {"bad@example.com": "rejected"}
    connector = connect("memory", "memory", {"path": sink, "script": script, "idempotent": True, "lookup": True})
    yield Stage(connector, lambda: sorted(row[0] for row in read(sink)))
    forget()


@contextmanager
def _folder(folder: Path) -> Iterator[Stage]:
    connector = connect("folder", "folder", {"path": folder / "out"})
    yield Stage(connector, lambda: sorted(row[0] for f in (folder / "out").rglob("sent.tsv") for row in read(f)))


@contextmanager
def _simulator(folder: Path) -> Iterator[Stage]:
    yield Stage(connect("simulator", "people", {"path": folder / "people"}), lambda: None)


#: By kind; a connector without one here fails the suite by name.
STAGES = {"smtp": _smtp, "memory": _memory, "folder": _folder, "simulator": _simulator}
