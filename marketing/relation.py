"""The relation (from, on, after, to, max) that a chain compiles to, its steps, and its text form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from hashlib import sha256

from marketing.calendar import Span

__all__ = ["ANYWHERE", "DEFERRED", "ENTRY", "FELL_BACK", "HOLDOUT", "MIGRATED", "STAYS", "After", "Edge", "GoalOf", "Graph",
           "Step"]

#: Why a contact moves from a step onto itself, by no edge: a touch must wait for its moment, or the next channel is tried.
DEFERRED, FELL_BACK = "deferred", "fallback"
STAYS = (DEFERRED, FELL_BACK)
#: Why a contact moves from a step of one version to a step of another, by no edge: the chain was changed, and it was moved along.
MIGRATED = "migrated"
#: The `from` of the edge by which a contact enters.
ENTRY = ""
#: The `from` of the edges that leave from wherever the contact stands: goal, exits, suppression, erasure.
ANYWHERE = "*"
#: The step at which contacts of the holdout stand until the goal's window has closed.
HOLDOUT = "holdout"


@dataclass(frozen=True)
class After:
    """The length of an edge: `span` counted from "now" or from "enrolled", or the date in a response's meta `until`."""

    span: Span = Span()
    since: str = "now"
    until: str | None = None

    @property
    def plain(self) -> bool:
        """Whether it is a length counted from the move itself, so that it can be added to another."""
        return self.since == "now" and self.until is None

    def __bool__(self) -> bool:
        return bool(self.span) or not self.plain

    def __str__(self) -> str:
        if not self:
            return ""
        if self.until:
            return f"until {self.until}" + (f", else {self.span}" if self.span else "")
        return f"{self.span} since enrolled" if self.since == "enrolled" else str(self.span)


@dataclass(frozen=True)
class Step:
    """One place where a contact can stand; which attributes are set depends on `kind`.

    kind: send (channels, message, purpose, at_latest, at_least_once), wait (within), split (audiences),
    experiment (shares, in written order), assign (to), rest, holdout, or end (action in exit, enrol,
    suppress, goal; argument).
    """

    name: str
    kind: str
    order: int
    channels: tuple[str, ...] = ()
    message: str | None = None
    purpose: str | None = None
    at_latest: Span | None = None
    at_least_once: bool = False
    within: Span | None = None
    audiences: tuple[str, ...] = ()
    shares: Mapping[str, float] | None = field(default=None, hash=False)
    to: str | None = None
    action: str | None = None
    argument: str | None = None


@dataclass(frozen=True)
class Edge:
    """One way out of `from_`: taken when `on` happens, in the order of `rank`; `max` bounds the visits to `to`."""

    from_: str
    on: str
    after: After
    to: str
    max: int | None
    rank: int
    goto: bool = False


@dataclass(frozen=True)
class GoalOf:
    """What the version of a chain counts as its goal."""

    kind: str
    within: Span
    ends: bool


@dataclass(frozen=True)
class Graph:
    """One version of a chain, whole: its steps in written order and its edges by step and rank."""

    chain: str
    goal: GoalOf | None
    holdout: float
    arm_by: str
    steps: tuple[Step, ...]
    edges: tuple[Edge, ...]

    @cached_property
    def _steps(self) -> dict[str, Step]:
        return {step.name: step for step in self.steps}

    @cached_property
    def _out(self) -> dict[str, tuple[Edge, ...]]:
        out: dict[str, list[Edge]] = {}
        for edge in self.edges:
            out.setdefault(edge.from_, []).append(edge)
        return {name: tuple(edges) for name, edges in out.items()}

    def step(self, name: str) -> Step:
        """The step of that name; KeyError names it and the steps there are."""
        try:
            return self._steps[name]
        except KeyError:
            raise KeyError(f'{self.chain} has no step "{name}": it has {", ".join(self._steps)}') from None

    def out(self, name: str) -> tuple[Edge, ...]:
        """The edges out of a step (or ENTRY, or ANYWHERE) in rank order; none for an end."""
        return self._out.get(name, ())

    @cached_property
    def sends(self) -> tuple[Step, ...]:
        """The Sends in written order."""
        return tuple(step for step in self.steps if step.kind == "send")

    @cached_property
    def _beyond(self) -> dict[str, frozenset[str]]:
        """For each step, the steps that can come after it."""
        found = {}
        for step in self.steps:
            seen: set[str] = set()
            ahead = [step.name]
            while ahead:
                new = {edge.to for edge in self.out(ahead.pop())} - seen
                seen |= new
                ahead.extend(new)
            found[step.name] = frozenset(seen)
        return found

    @cached_property
    def in_cycle(self) -> frozenset[str]:
        """The steps that a contact can come back to."""
        return frozenset(name for name, beyond in self._beyond.items() if name in beyond)

    @cached_property
    def reaches(self) -> dict[str, frozenset[str]]:
        """For each step, the Sends still ahead of a contact that stands there, the step itself included."""
        sends = {step.name for step in self.sends}
        return {name: frozenset(sends & (beyond | {name})) for name, beyond in self._beyond.items()}

    def relation(self) -> list[tuple[str, str, str, str, int | None]]:
        """The edges as rows (from, on, after as text, to, max)."""
        return [(e.from_, e.on, str(e.after), e.to, e.max) for e in self.edges]

    def to_json(self) -> str:
        """The whole graph as text, the same for the same graph, whatever the machine."""
        # Shares are pairs: their written order decides who draws what, and sorted keys would lose it.
        steps = [asdict(s) | {"shares": s.shares and list(s.shares.items())} for s in self.steps]
        whole = {
            "chain": self.chain, "goal": self.goal and asdict(self.goal), "holdout": self.holdout,
            "arm_by": self.arm_by, "steps": steps, "edges": [asdict(e) for e in self.edges],
        }
        return json.dumps(whole, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Graph:
        """The graph that to_json() wrote."""
        whole = json.loads(text)
        return cls(
            chain=whole["chain"], goal=whole["goal"] and _read(GoalOf, whole["goal"]), holdout=whole["holdout"],
            arm_by=whole["arm_by"], steps=tuple(_read(Step, s) for s in whole["steps"]),
            edges=tuple(_read(Edge, e) for e in whole["edges"]),
        )

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of to_json(), in hexadecimal: two versions with the same digest are the same."""
        return sha256(self.to_json().encode()).hexdigest()


def _read(kind: type, row: Mapping):
    """A dataclass of this module from its dictionary as JSON gives it back."""
    readers = {
        "after": lambda v: _read(After, v), "span": lambda v: Span(**v), "within": lambda v: Span(**v),
        "at_latest": lambda v: Span(**v), "shares": dict, "channels": tuple, "audiences": tuple,
    }
    values = {f.name: row[f.name] for f in fields(kind)}
    return kind(**{k: readers[k](v) if k in readers and v is not None else v for k, v in values.items()})
