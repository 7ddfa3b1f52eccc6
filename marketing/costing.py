"""What a chain can cost: the dearest way of one contact through it."""

from collections.abc import Mapping
from decimal import Decimal

from marketing.relation import ENTRY, HOLDOUT, Edge, Graph

__all__ = ["dearest"]


def dearest(graph: Graph, costs: Mapping[str, Decimal]) -> Decimal:
    """The most that one enrolment can cost, in the house's currency: every touch made, on the dearest channel of its Send.

    `costs` by channel, of one touch. A step that a GoTo leads back to is counted as often as it may be visited.
    """
    bounded = {(edge.from_, edge.on, edge.to): edge.max for edge in graph.edges if edge.max is not None}
    targets = sorted({to for _, _, to in bounded})
    most = {target: max(bound for (_, _, to), bound in bounded.items() if to == target) for target in targets}

    def onward(first: str, visits: tuple[int, ...]) -> Decimal:
        # By hand and not by calls within calls: with several GoTo a way may be longer than Python's stack is deep.
        known: dict[tuple[str, tuple[int, ...]], Decimal] = {}
        ahead = [(first, visits)]
        while ahead:
            name, so_far = here = ahead[-1]
            ways = [(edge.to, after) for edge in graph.out(name) if (after := _after(edge, so_far)) is not None]
            if here in known or (unknown := [way for way in ways if way not in known]) == []:
                own = max((costs.get(channel, Decimal(0)) for channel in graph.step(name).channels), default=Decimal(0))
                known[here] = own + max((known[way] for way in ways), default=Decimal(0))
                ahead.pop()
            else:
                ahead += unknown
        return known[first, visits]

    def _after(edge: Edge, visits: tuple[int, ...]) -> tuple[int, ...] | None:
        """The visits so far once an edge is taken, None where it may not be: those of unbounded edges count too."""
        if edge.to not in most:
            return visits
        at = targets.index(edge.to)
        if edge.max is not None and visits[at] >= edge.max:
            return None
        return (*visits[:at], min(visits[at] + 1, most[edge.to]), *visits[at + 1:])

    first = [edge for edge in graph.out(ENTRY) if edge.to != HOLDOUT]
    nobody = (0,) * len(targets)
    return max((onward(edge.to, _after(edge, nobody) or nobody) for edge in first), default=Decimal(0))
