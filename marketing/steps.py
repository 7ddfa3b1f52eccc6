"""The words of the grammar: the steps that a chain is written with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from marketing.calendar import Span, days

__all__ = [
    "COMMERCIAL", "RELATIONSHIP", "TRANSACTIONAL", "Assign", "ChainError", "Delay", "End", "Enrol", "Exit",
    "Experiment", "GoTo", "Goal", "Purpose", "Send", "Split", "Suppress", "WaitFor", "branches", "listed", "walk",
]


class ChainError(Exception):
    """A chain is written in a way that has no meaning; the text lists every mistake and its fix."""


class Purpose(StrEnum):
    """Why a message is sent; consent hangs on it, so it is never defaulted."""

    #: Sells something: needs the consent, or the legal exception, for advertising.
    COMMERCIAL = "commercial"
    #: Keeps the relation with a customer or a lead, and sells nothing.
    RELATIONSHIP = "relationship"
    #: Belongs to an order or an account: the contact expects it.
    TRANSACTIONAL = "transactional"


COMMERCIAL, RELATIONSHIP, TRANSACTIONAL = Purpose.COMMERCIAL, Purpose.RELATIONSHIP, Purpose.TRANSACTIONAL


@dataclass(frozen=True)
class Send:
    """Plan one touch through the gate, then go on; `by` names the channel, or several to fall back on in turn.

    The next channel is asked only when there is no way on the one before, when it was not made, or when it ended in silence.
    """

    name: str
    by: str | tuple[str, ...] = ()
    message: str = ""
    purpose: Purpose | None = None
    at_latest: Span = days(7)
    at_least_once: bool = False

    def __post_init__(self) -> None:
        if self.purpose not in tuple(Purpose):
            accepted = ", ".join(p.name for p in Purpose)
            raise ChainError(f'Send("{self.name}") has purpose={self.purpose!r}: write purpose= and one of {accepted}')
        object.__setattr__(self, "purpose", Purpose(self.purpose))
        if not isinstance(self.by, str):
            object.__setattr__(self, "by", tuple(self.by))

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels in the order they are tried."""
        return (self.by,) if isinstance(self.by, str) else self.by


@dataclass(frozen=True)
class WaitFor:
    """Rest until a response to the Sends since the previous wait, or until nothing came `within` the length given."""

    name: str
    within: Span
    on: Mapping[str, Sequence[Written]]
    otherwise: Sequence[Written] = ()

    def __post_init__(self) -> None:
        _hold_branches(self)


@dataclass(frozen=True)
class Split:
    """Take the branch of the first audience, in written order, that the contact is in."""

    name: str
    on: Mapping[str, Sequence[Written]]
    otherwise: Sequence[Written] = ()

    def __post_init__(self) -> None:
        _hold_branches(self)


@dataclass(frozen=True)
class Experiment:
    """Draw a variant by chance, kept at revisits; equal shares unless `shares` says otherwise."""

    name: str
    on: Mapping[str, Sequence[Written]]
    shares: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        _hold_branches(self)


@dataclass(frozen=True)
class Assign:
    """Give the contact to a rep, by the query `to` that returns (contact_id, rep)."""

    name: str
    to: str


@dataclass(frozen=True)
class Delay:
    """Go on only `span` later, counted from now or from enrolment, or on the date a response's `until` holds."""

    span: Span | None = None
    since: str = "now"
    until: str | None = None


@dataclass(frozen=True)
class GoTo:
    """Go back to a step, at most so many visits to it in one enrolment; used up, go by `then`."""

    step: str
    at_most: int | None = None
    then: Sequence[Written] | None = None

    def __post_init__(self) -> None:
        then = self.then if self.then is not None else Exit("tried_enough")
        then = [then] if isinstance(then, End) else then
        object.__setattr__(self, "then", listed(then, f'GoTo("{self.step}", then=…)'))


@dataclass(frozen=True)
class Enrol:
    """Leave this chain for another, whose next pass takes the contact in."""

    chain: str


@dataclass(frozen=True)
class Suppress:
    """Leave, and write nothing commercial or of relationship to the contact from now on."""

    reason: str


@dataclass(frozen=True)
class Exit:
    """Leave the chain for the reason given."""

    reason: str


End = Enrol | Suppress | Exit
Written = Send | WaitFor | Split | Experiment | Assign | Delay | GoTo | Enrol | Suppress | Exit
#: The steps at which a contact can stand, and which therefore have a name.
NAMED = (Send, WaitFor, Split, Experiment, Assign)
FORKS = (WaitFor, Split, Experiment)


@dataclass(frozen=True)
class Goal:
    """What the chain is for: a response within a length counted from enrolment, the same for both arms.

    It ends the enrolment by its `then`, or, with ends=False, is only measured.
    """

    kind: str
    within: Span
    then: Sequence[Written] = ()
    ends: bool = True

    def __post_init__(self) -> None:
        then = [self.then] if isinstance(self.then, End) else self.then
        object.__setattr__(self, "then", listed(then, f'Goal("{self.kind}", then=…)'))


def branches(step: Written) -> list[tuple[str, tuple[Written, ...]]]:
    """The branches of a step in written order, "otherwise" last; none for a step that does not fork."""
    if not isinstance(step, FORKS):
        return []
    last = [] if isinstance(step, Experiment) else [("otherwise", step.otherwise)]
    return [*step.on.items(), *last]


def walk(steps: Sequence[Written]) -> Iterator[Written]:
    """Every step in written order, those inside branches and inside `then` included."""
    for step in steps:
        yield step
        for _, branch in branches(step):
            yield from walk(branch)
        if isinstance(step, GoTo):
            yield from walk(step.then)


def _hold_branches(step: WaitFor | Split | Experiment) -> None:
    where = f'{type(step).__name__}("{step.name}")'
    if not isinstance(step.on, Mapping):
        raise ChainError(f"{where} has on={step.on!r}: write on={{answer: [steps], …}}")
    object.__setattr__(step, "on", {k: listed(v, f"{where} on {k}") for k, v in step.on.items()})
    if not isinstance(step, Experiment):
        object.__setattr__(step, "otherwise", listed(step.otherwise, f"{where} otherwise"))


def listed(steps: object, where: str) -> tuple[Written, ...]:
    """The steps as a tuple, or an error that shows how to write them."""
    if isinstance(steps, Written):
        raise ChainError(f"{where} holds one step without brackets: write [{type(steps).__name__}(…)]")
    if not isinstance(steps, (list, tuple)):
        raise ChainError(f"{where} holds {steps!r}: write a list of steps")
    for step in steps:
        if not isinstance(step, Written):
            raise ChainError(f"{where} holds {step!r}, which is no step: use one of "
                             "Send, WaitFor, Split, Experiment, Assign, Delay, GoTo, Enrol, Suppress, Exit")
    return tuple(steps)
