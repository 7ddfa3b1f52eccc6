"""What a change to a chain means: the difference between two versions of it, step by step, and in words."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from marketing.relation import ANYWHERE, ENTRY, Edge, GoalOf, Graph, Step

__all__ = ["Change", "Difference", "compare", "onward"]

#: The attributes of a step that a marketer writes, and what each is called.
ATTRIBUTES = {"channels": "channel", "message": "message", "purpose": "purpose", "at_latest": "at latest",
              "at_least_once": "at least once", "within": "within", "audiences": "audiences", "shares": "shares", "to": "to"}
NONE = "none"


@dataclass(frozen=True)
class Change:
    """One thing that is otherwise, of a step or (step "") of the chain: what, as it was and as it is, in words."""

    step: str
    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.what}: {self.before} → {self.after}"


@dataclass(frozen=True)
class Difference:
    """What one version of a chain has that another has not; steps at which somebody can stand, ends apart.

    gone: in the first alone, or of another kind in the second. renamed: pairs of a gone and a new step that are alike
    in all but the name; a guess, which nothing acts on. moved: come elsewhere in the written order.
    """

    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    moved: tuple[str, ...] = ()
    changed: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.new or self.moved or self.changed)

    def of(self, step: str) -> list[Change]:
        """What is otherwise about a step; about the chain itself for ""."""
        return [change for change in self.changed if change.step == step]

    def __str__(self) -> str:
        if not self:
            return "Nothing is otherwise."
        renamed = dict(self.renamed)
        said = [f"gone: {_listed(name + (f' (now {renamed[name]}?)' if name in renamed else '') for name in self.gone)}"]
        said += [f"new: {_listed(self.new)}", f"moved: {_listed(self.moved)}"]
        said += [f"changed: {_listed(dict.fromkeys(change.step or 'the chain' for change in self.changed))}"]
        text = "; ".join(words for words in said if not words.endswith(": "))
        return f"{text[0].upper()}{text[1:]}."


def compare(before: Graph, after: Graph, queries_before: Mapping[str, str] | None = None,
            queries_after: Mapping[str, str] | None = None) -> Difference:
    """The difference between two versions of a chain; with the text of their queries, that of these too."""
    old, new = _places(before), _places(after)
    gone = tuple(name for name in old if name not in new or new[name].kind != old[name].kind)
    came = tuple(name for name in new if name not in old or new[name].kind != old[name].kind)
    renamed = tuple(_renamed(before, after, gone, came))
    common = [name for name in old if name not in gone]
    changed = [*_of_chain(before, after), *_of_audience(before, after, queries_before or {}, queries_after or {})]
    changed += _of_edges(before, after, ENTRY, dict(renamed))
    for name in common:
        changed += _of_attributes(old[name], new[name])
        changed += _of_queries(new[name], queries_before or {}, queries_after or {})
        changed += _of_edges(before, after, name, dict(renamed))
    return Difference(gone, came, renamed, tuple(_moved(common, list(new))), tuple(changed))


def onward(graph: Graph, name: str) -> str:
    """The step itself; of a rest the step that it leads to, by which marketers know it."""
    if name in (ENTRY, ANYWHERE) or graph.step(name).kind != "rest":
        return name
    return graph.out(name)[-1].to


def _places(graph: Graph) -> dict[str, Step]:
    """The steps that a marketer has written, and the holdout."""
    return {step.name: step for step in graph.steps if step.kind not in ("end", "rest")}


def _renamed(before: Graph, after: Graph, gone: tuple[str, ...], came: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Pairs that are alike in attributes and neighbours, where each is the only such step for the other."""
    pairs = [(old, new) for old in gone for new in came if _alike(before, after, old, new, set(gone), set(came))]
    for old, new in pairs:
        if sum(a == old for a, _ in pairs) == sum(b == new for _, b in pairs) == 1:
            yield old, new


def _alike(before: Graph, after: Graph, old: str, new: str, gone: set[str], came: set[str]) -> bool:
    one, other = before.step(old), after.step(new)
    same = all(getattr(one, name) == getattr(other, name) for name in ("kind", *ATTRIBUTES))
    return same and _neighbours(before, old, gone) == _neighbours(after, new, came)


def _neighbours(graph: Graph, name: str, unknown: set[str]) -> tuple[list, list]:
    """The edges into and out of a step; a neighbour that is gone or new itself is any."""
    def known(other: str) -> str:
        return "?" if other in unknown else other

    leaving = [(edge.on, known(onward(graph, edge.to))) for edge in graph.out(name)]
    coming = sorted((known(onward(graph, edge.from_)), edge.on) for edge in graph.edges
                    if onward(graph, edge.to) == name and onward(graph, edge.from_) != name)
    return leaving, coming


def _moved(common: list[str], order_after: list[str]) -> list[str]:
    """Steps that come elsewhere in the written order: those outside the longest run that kept its order."""
    at = {name: position for position, name in enumerate(common)}
    names = [name for name in order_after if name in at]
    tails: list[int] = []
    length = []
    for name in names:
        position = bisect_left(tails, at[name])
        tails[position:position + 1] = [at[name]]
        length.append(position + 1)
    kept, wanted = set(), len(tails)
    for name, long in reversed(list(zip(names, length, strict=True))):
        if long == wanted:
            kept.add(name)
            wanted -= 1
    return [name for name in names if name not in kept]


def _of_chain(before: Graph, after: Graph) -> Iterator[Change]:
    told = [("holdout", f"{before.holdout:.0%}", f"{after.holdout:.0%}"), ("goal", _goal(before.goal), _goal(after.goal)),
            ("arm drawn by", before.arm_by, after.arm_by)]
    ways = [{edge.on: edge.to for edge in graph.out(ANYWHERE)} for graph in (before, after)]
    told += [(f"exit on {on}", ways[0].get(on, NONE), ways[1].get(on, NONE)) for on in {**ways[0], **ways[1]}]
    for what, was, is_ in told:
        if was != is_ and not what == "exit on goal":
            yield Change("", what, was, is_)
        elif was != is_ and before.goal and after.goal and NONE not in (was, is_):
            yield Change("", "at the goal", was, is_)


def _goal(goal: GoalOf | None) -> str:
    return f"{goal.kind} within {goal.within}{', which ends it' if goal.ends else ''}" if goal else NONE


def _of_audience(before: Graph, after: Graph, was: Mapping[str, str], is_: Mapping[str, str]) -> Iterator[Change]:
    """The chain's own audience: the query that no step names."""
    names = [[name for name in sorted(queries) if not any(name in step.audiences or name == step.to for step in graph.steps)]
             for graph, queries in ((before, was), (after, is_))]
    if names[0] != names[1]:
        yield Change("", "audience", ", ".join(names[0]) or NONE, ", ".join(names[1]) or NONE)
    for name in names[0]:
        if name in is_ and is_[name] != was[name]:
            yield Change("", "audience", name, f"{name}, asked otherwise")


def _of_queries(step: Step, was: Mapping[str, str], is_: Mapping[str, str]) -> Iterator[Change]:
    for name in (*step.audiences, *filter(None, [step.to])):
        if name in was and name in is_ and was[name] != is_[name]:
            yield Change(step.name, "query", name, f"{name}, asked otherwise")


def _of_attributes(old: Step, new: Step) -> Iterator[Change]:
    for name, what in ATTRIBUTES.items():
        was, is_ = _words(getattr(old, name)), _words(getattr(new, name))
        if was != is_:
            yield Change(new.name, what, was, is_)


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return _listed(f"{name} {share:.0%}" for name, share in value.items())
    if isinstance(value, tuple):
        return _listed(value) or NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    return NONE if value is None else str(value)


def _of_edges(before: Graph, after: Graph, name: str, renamed: Mapping[str, str]) -> Iterator[Change]:
    """Ways out of a step that lead elsewhere, take another time, have come or gone."""
    was, is_ = _ways(before, name), _ways(after, name)
    for on in {**was, **is_}:
        label = {"next": "", "entered": "", "held_out": ""}.get(on, f" on {on}")
        for old, new in zip_longest(was.get(on, ()), is_.get(on, ())):
            if old is None or new is None:
                if name or on != "held_out":
                    yield Change(name, f"branch{label}", old.to if old else NONE, new.to if new else NONE)
                continue
            if renamed.get(old.to, old.to) != new.to:
                yield Change(name, f"leads{label} to" if name else "first step", old.to, new.to)
            if str(old.after) != str(new.after):
                yield Change(name, f"delay{label}", str(old.after) or NONE, str(new.after) or NONE)
            if old.max != new.max:
                yield Change(name, f"at most{label}", _words(old.max), _words(new.max))


def _ways(graph: Graph, name: str) -> dict[str, list[Edge]]:
    """The edges out of a step by what they are taken on; one that leads to a rest leads to what comes after it."""
    found: dict[str, list[Edge]] = {}
    for edge in graph.out(name):
        to = onward(graph, edge.to)
        found.setdefault(edge.on, []).append(Edge(edge.from_, edge.on, edge.after, to, edge.max, edge.rank, edge.goto))
    return found


def _listed(words) -> str:
    return ", ".join(words)
