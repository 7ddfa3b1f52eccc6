"""A replay: a past pass made again by the live code on a branch of what it read, and compared with what it made true."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chains
from flows import recipe
from flows.chain_files import queries
from tasks.replaying import Again, Change, Compared, NewWay, compared, in_the_past, records

__all__ = ["NOTHING", "Change", "Replayed", "WrongChain", "replay", "written_otherwise"]

#: Made again as it was.
NOTHING = Change()


class WrongChain(ValueError):
    """The folder given for a replay holds another chain than the pass was of."""


@dataclass(frozen=True)
class Replayed:
    """A pass made again: which, over how many slices, what differs, and which message files have changed since."""

    run: str
    chain: str
    as_of: Any
    slices: int
    compared: Compared
    messages: list[str]


def replay(wired, asked: str, change: Change = NOTHING, *, run: str,
           progress: Callable[..., Any] = lambda *_: None) -> Replayed:
    """Make the pass `asked` for (id or name of its run) again, as it was or with a change; `run` is the replay's own.

    Nothing of it is true. Raises `NoRecord`, `WrongChain`.
    """
    of_pass = records(wired, asked)
    with in_the_past(wired, of_pass, run) as stage:
        for done, record in enumerate(of_pass):
            progress(done, len(of_pass))
            again = Again(wired, stage, record, change)
            if change.chain and change.chain.chain.name != again.versions[0].name:
                raise WrongChain(f"The folder holds the chain {change.chain.chain.name!r}, and the pass was one of "
                                 f"{again.versions[0].name!r}; give a changed copy of that chain.")
            recipe.pass_once(again)
            again.close()
        found = compared(wired, stage, of_pass)
    now = wired.messages.digests(again.chain.name)
    then = {name: digest for record in of_pass for name, digest in record.messages.items()}
    changed = sorted(name for name in then | now if then.get(name) != now.get(name))
    return Replayed(of_pass[0].run, again.chain.name, of_pass[0].as_of, len(of_pass), found, changed)


def written_otherwise(folder: Path) -> NewWay:
    """The chain of a folder, with its queries. Raises `NoSuchChain`, `BrokenChain`."""
    chain = chains.read(folder)
    return NewWay(chain, queries(chain, folder))
