"""A written chain, read once: for every step, what is written behind each of its branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from marketing.chain import Assign, Chain, Delay, Enrol, Exit, Experiment, GoTo, Send, Split, Suppress, WaitFor
from marketing.steps import Written, branches

__all__ = ["Path", "Reading", "read", "sends_ahead"]

#: Steps in the order in which a contact comes to them; it always ends, with Exit("completed") at the latest.
Path = tuple[Written, ...]


@dataclass
class Reading:
    """The chain from its beginning, its steps by name, and what follows (step, branch); "next" where nothing forks."""

    whole: Path
    steps: dict[str, Written] = field(default_factory=dict)
    ways: dict[tuple[str, str], Path] = field(default_factory=dict)


def read(chain: Chain) -> Reading:
    """Read a chain: a branch that does not end goes on with what follows its fork."""
    end = (Exit("completed"),)
    reading = Reading(whole=(*chain.steps, *end))
    _read_list(reading, chain.steps, end)
    return reading


def _read_list(reading: Reading, steps: Sequence[Written], behind: Path) -> None:
    for position, step in enumerate(steps):
        onward = (*steps[position + 1:], *behind)
        if isinstance(step, (Send, Assign, WaitFor, Split, Experiment)):
            reading.steps[step.name] = step
            reading.ways[step.name, "next"] = onward
        for on, branch in branches(step):
            reading.ways[step.name, on] = (*branch, *onward)
            _read_list(reading, branch, onward)
        if isinstance(step, GoTo):
            _read_list(reading, step.then, onward)


def sends_ahead(reading: Reading, step: Written | None, path: Path = ()) -> list[Send]:
    """The Sends to which a contact can still come from a step, that one included, or from a rest before a path."""
    seen: dict[str, Written] = {}
    _look_ahead(reading, (step,) if step else path, seen)
    return [one for one in seen.values() if isinstance(one, Send)]


def _look_ahead(reading: Reading, path: Path, seen: dict[str, Written]) -> None:
    match path[:1]:
        case () | (Enrol() | Suppress() | Exit(),):
            return
        case (Delay(),):
            _look_ahead(reading, path[1:], seen)
        case (GoTo() as goto,):
            _look_ahead(reading, (reading.steps[goto.step],), seen)
            _look_ahead(reading, goto.then + path[1:], seen)
        case (step,) if step.name not in seen:
            seen[step.name] = step
            for way in [on for on, _ in branches(step)] or ["next"]:
                _look_ahead(reading, reading.ways[step.name, way], seen)
