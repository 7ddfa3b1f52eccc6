"""Whatever the chain, the contacts and the script: laws that hold for every run of the slow model."""

from collections import Counter

from hypothesis import given

from marketing import graph
from marketing.graph import ENTRY
from tests.model.worlds import World, play, worlds


@given(worlds())
def test_every_move_is_an_edge(world: World):
    """Nobody moves but by an edge of the compiled relation, by a deferral, for a further channel, or past a touch that was not planned."""
    graphs = {chain.name: graph.compile(chain) for chain in world.chains}
    allowed = {
        (name, edge.from_, edge.on, edge.to) for name, compiled in graphs.items() for edge in compiled.edges
    }

    moves = [(m.chain, m.from_step, m.reason.replace("unreached", "next"), m.to_step) for m in play(world).moves
             if m.reason not in ("deferred", "fallback")]

    anywhere = {(chain, "*", on, to) for chain, _, on, to in moves}
    assert [row for row in moves if row not in allowed and (row[0], "*", *row[2:]) not in allowed & anywhere] == []


@given(worlds())
def test_accounted_for(world: World):
    """Who entered is active or at one end; the moves of an enrolment are a chain without gaps."""
    model = play(world)
    by_enrolment = {}
    for move in model.moves:
        by_enrolment.setdefault((move.chain, move.contact, move.wave), []).append(move)

    active = {(chain, contact, wave): place for chain, contact, wave, place, _ in model.active()}
    assert len(active) == len(model.active())
    for enrolment, moves in by_enrolment.items():
        assert [m.seq for m in moves] == list(range(1, len(moves) + 1))
        assert [m.from_step for m in moves] == [ENTRY, *(m.to_step for m in moves[:-1])]
        compiled = graph.compile(model.chains[enrolment[0]])
        assert (compiled.step(moves[-1].to_step).kind == "end") == (enrolment not in active)


@given(worlds())
def test_never_twice(world: World):
    """A touch is planned once for an enrolment, step, visit and leg, and visits stay within their bounds."""
    model = play(world)

    planned = Counter((t.chain, t.contact, t.wave, t.step, t.visit, t.leg) for t in model.touches())
    assert [key for key, times in planned.items() if times > 1] == []
    bounds = {(name, e.to): e.max for name, g in model.graphs.items() for e in g.edges if e.goto}
    outside = [m for m in model.moves if (m.chain, m.to_step) in bounds and m.visit > 3 + 2]
    assert outside == []


@given(worlds())
def test_silent_arm(world: World):
    """The holdout gets nothing, and a contact is never in one chain twice at a time."""
    model = play(world)
    held = {(m.chain, m.contact, m.wave) for m in model.moves if m.to_step == "holdout"}

    assert [t for t in model.touches() if (t.chain, t.contact, t.wave) in held] == []
    inside = Counter((chain, contact) for chain, contact, *_ in model.active())
    assert set(inside.values()) <= {1}
