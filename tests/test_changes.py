"""What a change to a chain means, told step by step; and where the contacts of one version go in another."""

from dataclasses import replace

import pytest

from marketing.chain import (
    CLICKED, COMMERCIAL, PURCHASED, RELATIONSHIP, REPLIED, Chain, Delay, Enrol, Exit, Experiment, Goal, GoTo, Send, Split,
    Suppress, WaitFor, days, weeks,
)
from marketing.changes import Change, Difference, compare, onward
from marketing.graph import compile
from marketing.mapping import BadMapping, check_mapping, had_before, places, read_mapping


def send(name: str, by="email", **more) -> Send:
    return Send(name, **{"by": by, "message": "m", "purpose": RELATIONSHIP, **more})


def graph(*steps, **more):
    return compile(Chain(**{"name": "c", "title": "C", "kind": "loyalty", "audience": "everybody", "steps": steps, **more}))


A, B, C = send("a"), send("b", by="sms"), send("c", by="post")
WAIT = WaitFor("w", within=days(3), on={CLICKED: [send("offer")]}, otherwise=[Exit("silent")])
THREE = graph(A, B, C)

CHANGED = {
    "nothing": (THREE, THREE, Difference()),
    "added": (THREE, graph(A, send("x"), B, C), Difference(new=("x",), changed=(Change("a", "leads to", "b", "x"),))),
    "removed": (THREE, graph(A, C), Difference(gone=("b",), changed=(Change("a", "leads to", "b", "c"),))),
    "renamed": (THREE, graph(A, replace(B, name="z"), C), Difference(gone=("b",), new=("z",), renamed=(("b", "z"),))),
    "renamed beyond guessing": (THREE, graph(A, replace(B, name="z", message="n"), C), Difference(
        gone=("b",), new=("z",), changed=(Change("a", "leads to", "b", "z"),))),
    "renamed twice": (THREE, graph(replace(A, name="y"), replace(B, name="z"), C), Difference(
        gone=("a", "b"), new=("y", "z"), renamed=(("a", "y"), ("b", "z")))),
    "of another kind": (THREE, graph(A, Split("b", on={"best": [Exit("x")]}), C), Difference(gone=("b",), new=("b",))),
    "delayed": (THREE, graph(A, Delay(days(2)), B, C), Difference(changed=(Change("a", "delay", "none", "2 days"),))),
    "a delay before a wait": (graph(A, WAIT), graph(A, Delay(weeks(2)), WAIT), Difference(
        changed=(Change("a", "delay", "none", "2 weeks"),))),
    "attributes": (THREE, graph(A, replace(B, by=("sms", "email"), message="n", purpose=COMMERCIAL, at_latest=days(1)), C), Difference(
        changed=(Change("b", "channel", "sms", "sms, email"), Change("b", "message", "m", "n"),
                 Change("b", "purpose", "relationship", "commercial"), Change("b", "at latest", "7 days", "1 day")))),
    "a wait": (graph(A, WAIT), graph(A, replace(WAIT, within=days(9))), Difference(changed=(Change("w", "within", "3 days", "9 days"),))),
    "a branch": (graph(A, WAIT), graph(A, replace(WAIT, on={REPLIED: [send("offer")]})), Difference(
        changed=(Change("w", "branch on clicked", "offer", "none"), Change("w", "branch on replied", "none", "offer")))),
    "a way back": (graph(A, replace(WAIT, otherwise=[GoTo("a", at_most=2)])), graph(A, replace(WAIT, otherwise=[GoTo("a", at_most=3)])),
                   Difference(changed=(Change("w", "at most on otherwise", "2", "3"),))),
    "the first step": (THREE, graph(B, C), Difference(gone=("a",), changed=(Change("", "first step", "a", "b"),))),
    "shares": (graph(Experiment("e", on={"x": [A], "y": [B]})), graph(Experiment("e", on={"x": [A], "y": [B]}, shares={"x": 0.25, "y": 0.75})),
               Difference(changed=(Change("e", "shares", "x 50%, y 50%", "x 25%, y 75%"),))),
    "the holdout": (THREE, graph(A, B, C, holdout=0.1, goal=Goal(PURCHASED, within=weeks(2))), Difference(
        new=("holdout",), changed=(Change("", "holdout", "0%", "10%"),
                                   Change("", "goal", "none", "purchased within 2 weeks, which ends it")))),
    "the end at the goal": (
        graph(A, goal=Goal(PURCHASED, within=days(2))), graph(A, goal=Goal(PURCHASED, within=days(2), then=[Enrol("d")])),
        Difference(changed=(Change("", "at the goal", "goal", "enrol:d"),))),
    "an exit": (THREE, graph(A, B, C, exits={"complained": "upset"}), Difference(
        changed=(Change("", "exit on complained", "none", "exit:upset"),))),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_is_otherwise(name):
    """Each change is told where it is, as it was and as it is, and nothing else is."""
    before, after, told = CHANGED[name]

    assert compare(before, after) == told


def test_a_step_that_was_moved():
    """Of the steps in both, those outside the longest run that kept its order have moved."""
    assert compare(THREE, graph(C, A, B)).moved == ("c",)
    assert compare(graph(A, B, C, send("d")), graph(A, C, send("d"), B)).moved == ("b",)
    assert compare(THREE, graph(A, send("x"), B, C)).moved == ()


def test_queries():
    """The audience of the chain and those of its Splits are told when they are asked otherwise, or go by another name."""
    split = graph(Split("s", on={"best": [A]}, otherwise=[B]))
    before = {"everybody": "SELECT 1", "best": "SELECT 2"}

    assert compare(split, split, before, before) == Difference()
    assert compare(split, split, before, {"everybody": "SELECT 3", "best": "SELECT 4"}).changed == (
        Change("", "audience", "everybody", "everybody, asked otherwise"), Change("s", "query", "best", "best, asked otherwise"))
    assert compare(split, split, before, {"others": "SELECT 1", "best": "SELECT 2"}).changed == (
        Change("", "audience", "everybody", "others"),)


def test_in_a_sentence():
    """A difference is a sentence; so is none."""
    assert str(compare(THREE, THREE)) == "Nothing is otherwise."
    assert str(compare(THREE, graph(replace(B, name="z"), A, C))) == "Gone: b; new: z; changed: the chain, a."
    assert str(compare(THREE, graph(A, replace(B, name="z"), C))) == "Gone: b (now z?); new: z."
    assert str(compare(THREE, graph(C, A, B))) == "Moved: c; changed: the chain, b, c."
    assert str(CHANGED["delayed"][2].changed[0]) == "delay: none → 2 days"


def test_places():
    """A mapping comes first, then the same name and kind; a step that is gone has no place; ends are none."""
    after = graph(A, send("x"), C, holdout=0.1, goal=Goal(PURCHASED, within=weeks(2)))
    before = graph(A, B, C, holdout=0.2, goal=Goal(PURCHASED, within=weeks(2)))

    assert places(before, after, {}) == {"a": "a", "b": None, "c": "c", "holdout": "holdout"}
    assert places(before, after, {"b": "x", "c": "a"}) == {"a": "a", "b": "x", "c": "a", "holdout": "holdout"}
    assert places(before, THREE, {"holdout": "a"})["holdout"] is None
    assert places(THREE, graph(A, WaitFor("b", within=days(1), on={CLICKED: [Exit("x")]}), C), {})["b"] is None


DELAYED = graph(A, Delay(days(2)), WAIT)


@pytest.mark.parametrize(("after", "mapping", "goes"), [
    (graph(A, Delay(days(9)), WAIT), {}, "rest:w"),
    (graph(A, Delay(days(2)), send("x"), Delay(days(1)), WAIT), {}, "rest:w"),
    (graph(A, Delay(days(2)), send("x"), WAIT), {}, "x"),
    (graph(A, WAIT), {}, "w"),
    (graph(A, Delay(days(2)), replace(WAIT, name="v")), {"w": "v"}, "rest:v"),
    (graph(A, Delay(days(2)), replace(WAIT, name="v")), {}, "rest:v"),
    (graph(A, Suppress("dormant")), {}, None),
    (graph(B, Delay(days(2)), WAIT), {"rest:w": "b"}, "b"),
    (graph(B, C), {}, None),
], ids=["longer", "something between", "something after it", "none", "renamed", "renamed, unsaid", "a suppression", "said", "gone"])
def test_who_is_in_a_delay(after, mapping, goes):
    """Who rests in a delay goes on towards the same step, else where the same way leads now, else as is said."""
    assert onward(DELAYED, "rest:w") == "w"
    assert places(DELAYED, after, mapping)["rest:w"] == goes


def test_what_they_may_not_have_had():
    """Nobody goes to a place from which a Send that they have had comes again, save by a way back of both versions."""
    moved = graph(A, C, B)
    back = graph(A, replace(WAIT, otherwise=[GoTo("a", at_most=2)]))
    sends = ("a", "b", "c", "offer")

    assert had_before(THREE, moved, "c", "c", {}, sends) == {"b"}
    assert had_before(THREE, moved, "b", "b", {}, sends) == frozenset()
    assert had_before(THREE, THREE, "c", "a", {"c": "a"}, sends) == {"a", "b", "c"}
    assert had_before(back, back, "w", "w", {}, sends) == {"offer"}
    assert had_before(THREE, graph(A, replace(B, name="z"), C), "a", "a", {"b": "z"}, sends) == {"b", "c"}


def test_mappings_as_they_are_typed():
    """old=new; said twice otherwise, or said by halves, it is refused with what to write."""
    assert read_mapping(["a=b", " c = d ", "a=b"]) == {"a": "b", "c": "d"}
    for wrong, told in (["a"], "is no mapping"), (["=b"], "is no mapping"), (["a=b", "a=c"], "say one of them"):
        with pytest.raises(BadMapping, match=told):
            read_mapping(wrong)


def test_mappings_that_cannot_be():
    """Both ends of a mapping are there; nobody comes to the goal, into the holdout or is suppressed by one."""
    after = graph(A, WaitFor("w", within=days(1), on={CLICKED: [Exit("x")], REPLIED: [Enrol("d")]}, otherwise=[Suppress("dormant")]),
                  holdout=0.1, goal=Goal(PURCHASED, within=weeks(2)))

    check_mapping([THREE], after, {"a": "w", "b": "exit:x", "c": "enrol:d"})
    for old, new in [("x", "a"), ("exit:completed", "a"), ("a", "b"), ("a", "holdout"), ("a", "goal"), ("a", "suppress:dormant")]:
        with pytest.raises(BadMapping, match="accepted|they have"):
            check_mapping([THREE], after, {old: new})
