"""Named places where a test may end the process, to see that nothing is lost and nothing happens twice."""

import os
import signal

__all__ = ["FAILPOINTS", "arm", "reach"]

#: Every place, with what is at stake there; docs/state-and-commit.md lists them from here.
FAILPOINTS = {
    "commit.before_parts": "nothing has been written yet",
    "commit.part_written": "a part lies under its temporary name",
    "commit.parts_sealed": "the parts are durable, but no manifest lists them",
    "commit.in_transaction": "the ledger transaction is open, its rows are not yet true",
    "commit.done": "the commit is true, its writer has not heard so",
    "pass.wave_reserved": "the wave has its number and no contact",
    "pass.handover_taken": "the hand-overs are read and not yet enrolled",
    "send.claimed": "the batch is leased, no provider was called",
    "send.handed_over": "the provider has accepted, no receipt is kept",
    "send.settled": "the receipts stand with the batch, not in a part",
    "fold.before_commit": "the receipts are in a part that is not yet listed",
    "fold.done": "the fold is true, its writer has not heard so",
    "collect.before_commit": "the inbox is read, nothing is committed",
    "collect.before_clearing": "the responses are in a part, and still in the inbox",
    "sweep.before_drop": "a file is to be deleted",
    "sweep.dropped": "a file is deleted, its manifest row still stands",
}

_ENDS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
_wanted, _left, _end = "", 0, signal.SIGKILL


def arm(text: str) -> None:
    """Choose where this process ends: `name`, `name:3` for the third time, `name:3:stop` to be stopped, not killed.

    Empty for nowhere. Raises ValueError for a place that does not exist.
    """
    global _wanted, _left, _end
    name, times, end = (text.split(":") + ["", ""])[:3]
    if name and name not in FAILPOINTS:
        raise ValueError(f"RELANCE_FAILPOINT names {name!r}; accepted: {', '.join(FAILPOINTS)}")
    _wanted, _left, _end = name, int(times or 1), _ENDS[end or "kill"]


def reach(name: str) -> None:
    """End or stop the process here, when `arm` or RELANCE_FAILPOINT has named this place and it is the time."""
    global _left
    if name != _wanted:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), _end)


arm(os.environ.get("RELANCE_FAILPOINT", ""))
