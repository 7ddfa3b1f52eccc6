"""Programs that a command starts beside itself and ends in order, so that nothing is left behind."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

__all__ = ["Child", "sweep"]

#: prctl(2) of Linux: a signal of one's own when one's parent dies; the orphans of one's children become one's own.
_PARENT_DIED, _ADOPT = 1, 36


class Child:
    """A program in a session of its own: a Ctrl-C in the terminal reaches its parent alone, who then stops it in order.

    To be made in the main thread: the program ends with the thread that made it.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path):
        self.name, self.log = name, log
        _control(_ADOPT, 1)
        with log.open("ab") as out:
            self._process = subprocess.Popen(list(command), env=dict(environment), stdin=subprocess.DEVNULL, stdout=out,
                                             stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_begin)

    @property
    def number(self) -> int:
        """Of its process, and of the group that it leads."""
        return self._process.pid

    @property
    def ended(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def stop(self, patience: float = 20) -> None:
        """Ask it to end and wait; end it by force when it does not."""
        if self.ended is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def sweep(patience: float = 10) -> int:
    """End what stopped children have left behind; returns how many programs there were."""
    found = set()
    until = time.monotonic() + patience
    while left := set(_orphans()):
        for number in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL if time.monotonic() > until else signal.SIGTERM)
        found |= left
        time.sleep(0.2)
    return len(found)


def _orphans() -> Iterator[int]:
    """The processes that have become this one's own; those that have ended are buried on the way."""
    with contextlib.suppress(OSError, ChildProcessError):
        for number in map(int, Path(f"/proc/self/task/{threading.main_thread().native_id}/children").read_text().split()):
            if os.waitpid(number, os.WNOHANG)[0] == 0:
                yield number


def _begin() -> None:
    """In the new process, before its program: it hears Ctrl-C like any other, and does not outlive its parent."""
    # Ignored by who was started in the background, and inherited: a worker of Prefect would then never stop.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _control(_PARENT_DIED, signal.SIGTERM)


def _control(what: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(what, value, 0, 0, 0)
