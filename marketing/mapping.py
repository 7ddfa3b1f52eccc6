"""Where the contacts of one version of a chain go in another: by name, by a mapping, or nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from marketing.changes import onward
from marketing.relation import HOLDOUT, Graph, Step

__all__ = ["BadMapping", "check_mapping", "had_before", "places", "read_mapping"]

#: The ends that a mapping may name: those that only leave.
LEAVING = ("exit", "enrol")


class BadMapping(Exception):
    """A mapping names a step that is not there, or one that its contacts cannot go to."""


def read_mapping(words: Iterable[str]) -> dict[str, str]:
    """old=new, as it is typed. Raises BadMapping."""
    found: dict[str, str] = {}
    for word in words:
        old, equals, new = (part.strip() for part in word.partition("="))
        if not (old and equals and new):
            raise BadMapping(f"{word!r} is no mapping; write the old step, =, and the new one, such as second=third.")
        if found.get(old, new) != new:
            raise BadMapping(f"{old!r} is mapped to {found[old]!r} and to {new!r}; say one of them.")
        found[old] = new
    return found


def check_mapping(before: Sequence[Graph], after: Graph, mapping: Mapping[str, str]) -> None:
    """Raises BadMapping where a mapping cannot be followed; the text says what could be written."""
    for old, new in mapping.items():
        known = {step.name: step for graph in before for step in graph.steps if step.kind not in ("end", "holdout")}
        if old not in known:
            raise BadMapping(f"No older version has a step {old!r} to be mapped; they have: {', '.join(known) or 'none'}.")
        accepted = [step.name for step in after.steps if _accepts(step)]
        if new not in accepted:
            raise BadMapping(f"{old!r} cannot be mapped to {new!r}; accepted: {', '.join(accepted)}.")


def places(before: Graph, after: Graph, mapping: Mapping[str, str]) -> dict[str, str | None]:
    """For every step at which somebody can stand, the step of `after` that takes them; None for none.

    A mapping comes first, then the step of the same name and kind. Who rests in a delay goes on towards the same
    step, or else where the same ways lead now. The holdout only ever goes to the holdout.
    """
    known = {(step.name, step.kind) for step in after.steps}
    found: dict[str, str | None] = {}
    for step in before.steps:
        if step.name in mapping and step.name != HOLDOUT:
            found[step.name] = mapping[step.name]
        elif step.kind == "rest":
            found[step.name] = _where_it_leads(before, after, step.name, mapping)
        elif step.kind != "end":
            found[step.name] = step.name if (step.name, step.kind) in known else None
    return found


def _where_it_leads(before: Graph, after: Graph, rest: str, mapping: Mapping[str, str]) -> str | None:
    """Where those in a delay go: to the rest before the same step, if there is one, else to the one step that all the
    ways lead to that led into the delay; None where these part, or are gone."""
    target = onward(before, rest)
    target = mapping.get(target, target)
    ways = {(mapping.get(edge.from_, edge.from_), edge.on) for edge in before.edges if edge.to == rest}
    leads = {edge.to for edge in after.edges if (edge.from_, edge.on) in ways and _accepts(after.step(edge.to))}
    same = [step.name for step in after.steps if step.kind == "rest" and onward(after, step.name) == target]
    if same:
        return next((name for name in same if name in leads), same[0])
    return leads.pop() if len(leads) == 1 else None


def had_before(before: Graph, after: Graph, step: str, to: str, mapping: Mapping[str, str],
               sends: Iterable[str]) -> frozenset[str]:
    """The Sends that nobody who goes from `step` to `to` may have had: the new order would write to them once more.

    `sends` are the names of all Sends of all versions. Those that the contact could have come back to anyway, by a
    GoTo of both versions, are apart.
    """
    ahead = {send for edge in after.out(to) for send in after.reaches.get(edge.to, ())}
    if to != step:
        ahead |= {to}
    again = before.reaches.get(step, frozenset()) & after.in_cycle
    return frozenset(send for send in sends if mapping.get(send, send) in ahead and (send in mapping or send not in again))


def _accepts(step: Step) -> bool:
    return step.action in LEAVING if step.kind == "end" else step.kind != "holdout"
