"""Which process does something, in a text that others can hold against the processes there are."""

import os
import socket
from pathlib import Path

__all__ = ["alive", "ours"]

_PROC = Path("/proc")


def ours() -> str:
    """This process: host, number, start and where its number counts; only the host and number without Linux's /proc."""
    return " ".join((socket.gethostname(), str(os.getpid()), _start(os.getpid()) or "-", _place() or "-"))


def alive(process: str | None) -> bool | None:
    """Whether a process that `ours()` named still runs; None where that cannot be seen from here.

    Seen are the processes of this boot of this machine, and of this container: a number alone may be another's by now.
    """
    _host, number, start, place = (process or "- - - -").rsplit(" ", 3)
    if place == "-" or place != _place():
        return None
    return start != "-" and _start(int(number)) == start


def _place() -> str | None:
    """This boot of this machine, and the namespace in which processes are numbered: one for each container."""
    try:
        return f"{(_PROC / 'sys/kernel/random/boot_id').read_text().strip()}/{os.readlink(_PROC / 'self/ns/pid')}"
    except OSError:
        return None


def _start(number: int) -> str | None:
    """When a process started, in ticks since the boot; None for one that is not there, or dead and not yet buried."""
    try:
        # Behind the program's name, which is in brackets and may hold anything: the third field of proc(5) on.
        fields = (_PROC / str(number) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]
