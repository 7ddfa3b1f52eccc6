"""Chains compile to one relation, whose meaning and text form are fixed."""

import pytest
from hypothesis import given

from marketing.calendar import days, weeks
from marketing.chain import (
    CALL_BACK, CLICKED, COMMERCIAL, NOT_SENT, PURCHASED, RELATIONSHIP, Assign, Chain, ChainError, Delay, Enrol, Exit,
    Experiment, Goal, GoTo, Send, Split, Suppress, WaitFor,
)
from marketing.drawing import mermaid, table
from marketing.graph import ANYWHERE, ENTRY, Graph, compile
from tests.random_chains import chains

WAYS_OUT = [
    ("*", "suppressed", "", "exit:suppressed", None), ("*", "erased", "", "exit:erased", None),
    ("*", "no_consent_left", "", "exit:no_consent_left", None), ("*", "withdrawn", "", "exit:withdrawn", None),
]


def mail(name: str) -> Send:
    return Send(name, by="email", message=name, purpose=COMMERCIAL)


def written(*steps, **head) -> Graph:
    return compile(Chain(**({"name": "c", "title": "C", "kind": "loyalty", "audience": "a", "steps": steps} | head)))


def relation(*steps, **head) -> list[tuple]:
    rows = written(*steps, **head).relation()

    assert rows[-4:] == WAYS_OUT
    return rows[:-4]


def test_a_list_of_sends_is_a_line_that_ends_completed():
    """Sends follow each other on "next", and the end of the list is the exit "completed"."""
    assert relation(mail("one"), mail("two")) == [
        ("", "entered", "", "one", None), ("one", "next", "", "two", None), ("two", "next", "", "exit:completed", None),
    ]


def test_branches_keep_their_written_order_and_go_on_with_what_follows():
    """Answers come in written order, the implicit not_sent after them, otherwise last; open branches go on."""
    wait = WaitFor("wait", within=days(7), on={CLICKED: [mail("offer")], "replied": []}, otherwise=[Exit("silent")])

    assert relation(mail("hello"), wait, mail("bye")) == [
        ("", "entered", "", "hello", None),
        ("hello", "next", "", "wait", None),
        ("wait", "clicked", "", "offer", None),
        ("wait", "replied", "", "bye", None),
        ("wait", "not_sent", "", "exit:not_reached", None),
        ("wait", "otherwise", "", "exit:silent", None),
        ("offer", "next", "", "bye", None),
        ("bye", "next", "", "exit:completed", None),
    ]


def test_a_written_not_sent_keeps_its_place():
    """NOT_SENT written first is tried first."""
    wait = WaitFor("wait", within=days(7), on={NOT_SENT: [Exit("gone")], CLICKED: []})

    assert [(e.on, e.rank) for e in written(mail("hello"), wait).out("wait")] == [("not_sent", 0), ("clicked", 1), ("otherwise", 2)]


def test_a_delay_is_the_length_of_the_edge():
    """A delay before a Send is on the edge to it; before a wait or an end the contact rests."""
    wait = WaitFor("wait", within=days(7), on={CLICKED: [Delay(weeks(2))]}, otherwise=[Delay(days(1)), Exit("silent")])

    assert relation(Delay(days(1)), mail("one"), Delay(days(2), since="enrolled"), mail("two"), Delay(days(3)), wait) == [
        ("", "entered", "1 day", "one", None),
        ("one", "next", "2 days since enrolled", "two", None),
        ("two", "next", "3 days", "rest:wait", None),
        ("rest:wait", "next", "", "wait", None),
        ("wait", "clicked", "2 weeks", "rest:exit:completed", None),
        ("wait", "not_sent", "", "exit:not_reached", None),
        ("wait", "otherwise", "1 day", "rest:exit:silent", None),
        ("rest:exit:silent", "next", "", "exit:silent", None),
        ("rest:exit:completed", "next", "", "exit:completed", None),
    ]


def test_delays_that_meet_add_up():
    """A branch that ends in a delay and goes on with another waits for both."""
    wait = WaitFor("wait", within=days(7), on={CLICKED: [Delay(days(3))]}, otherwise=[])
    rows = relation(mail("one"), wait, Delay(days(4)), mail("two"))

    assert ("wait", "clicked", "7 days", "two", None) in rows
    assert ("wait", "otherwise", "4 days", "two", None) in rows


def test_delays_that_cannot_add_up_are_an_error():
    """A date that is read and a length that is counted from enrolment have no sum."""
    wait = WaitFor("wait", within=days(7), on={CALL_BACK: [Delay(until="call_back_on")]}, otherwise=[])

    with pytest.raises(ChainError, match="runs into"):
        relation(mail("one"), wait, Delay(days(4)), mail("two"))


def test_goto_is_bounded_and_followed_by_its_then():
    """A GoTo's edge carries the bound, and the edge after it, on the same answer, its `then`."""
    wait = WaitFor("wait", within=days(3), on={
        CALL_BACK: [Delay(until="call_back_on"), GoTo("call", at_most=3)],
        CLICKED: [GoTo("call", at_most=2, then=Suppress("dormant"))],
    }, otherwise=[GoTo("wait", at_most=2)])
    graph = written(mail("call"), wait)

    assert [(e.on, str(e.after), e.to, e.max, e.rank, e.goto) for e in graph.out("wait")] == [
        ("call_back", "until call_back_on", "call", 3, 0, True),
        ("call_back", "", "exit:tried_enough", None, 1, False),
        ("clicked", "", "call", 2, 2, True),
        ("clicked", "", "suppress:dormant", None, 3, False),
        ("not_sent", "", "exit:not_reached", None, 4, False),
        ("otherwise", "", "wait", 2, 5, True),
        ("otherwise", "", "exit:tried_enough", None, 6, False),
    ]
    assert graph.in_cycle == {"call", "wait"}


def test_a_delayed_goto_to_a_wait_rests_first():
    """Behind a delay, the bounded edge to a wait leaves from the rest."""
    wait = WaitFor("wait", within=days(3), on={CLICKED: []}, otherwise=[Delay(days(2)), GoTo("wait", at_most=2)])
    graph = written(mail("hello"), wait)

    assert [(e.on, str(e.after), e.to, e.max) for e in graph.out("wait")][-1] == ("otherwise", "2 days", "rest:wait", None)
    assert [(e.on, e.to, e.max, e.rank) for e in graph.out("rest:wait")] == [("next", "wait", 2, 0), ("next", "exit:tried_enough", None, 1)]


def test_branches_that_end_in_one_goto_each_get_their_follow_up():
    """A GoTo after a wait bounds every branch that goes on to it, next to its own answer."""
    wait = WaitFor("wait", within=days(3), on={CLICKED: [], "replied": []})

    assert [(e.on, e.to) for e in written(mail("hello"), wait, GoTo("hello", at_most=2)).out("wait")] == [
        ("clicked", "hello"), ("clicked", "exit:tried_enough"), ("replied", "hello"), ("replied", "exit:tried_enough"),
        ("not_sent", "exit:not_reached"), ("otherwise", "hello"), ("otherwise", "exit:tried_enough"),
    ]


def test_goal_exits_and_holdout_have_their_edges():
    """The goal leaves from anywhere, before the exits; the holdout stands until the window has closed."""
    goal = Goal(PURCHASED, within=weeks(6), then=[Enrol("other")])

    assert relation(mail("one"), goal=goal, holdout=0.1, exits={"refused": "refused"}) == [
        ("", "entered", "", "one", None), ("", "held_out", "", "holdout", None),
        ("one", "next", "", "exit:completed", None),
        ("holdout", "window_closed", "", "exit:held_out", None),
        ("*", "goal", "", "enrol:other", None), ("*", "refused", "", "exit:refused", None),
    ]
    assert relation(mail("one"), goal=Goal(PURCHASED, within=weeks(6)))[-1] == ("*", "goal", "", "goal", None)
    assert relation(mail("one"), goal=Goal(PURCHASED, within=weeks(6), ends=False))[-1][1] == "next"


def test_steps_keep_what_was_written():
    """Channels, purpose, lengths, audiences, shares and ends stand in the steps."""
    graph = written(
        Send("one", by=("email", "post"), message="m", purpose=RELATIONSHIP, at_least_once=True),
        Assign("rep", to="rep_of_territory"),
        Experiment("test", on={"b": [], "a": []}, shares={"a": 0.25, "b": 0.75}),
        Split("split", on={"vip": [Suppress("enough")]}),
    )

    assert graph.step("one").channels == ("email", "post") and graph.step("one").at_least_once
    assert (graph.step("one").purpose, graph.step("one").at_latest) == ("relationship", days(7))
    assert list(graph.step("test").shares.items()) == [("b", 0.75), ("a", 0.25)]
    assert (graph.step("rep").to, graph.step("split").audiences) == ("rep_of_territory", ("vip",))
    assert (graph.step("suppress:enough").action, graph.step("suppress:enough").argument) == ("suppress", "enough")
    with pytest.raises(KeyError, match="it has one, rep"):
        graph.step("two")


def test_reaches_tells_which_sends_are_still_ahead():
    """Who stands at a Send still has it ahead; who has passed it has not."""
    graph = written(mail("one"), WaitFor("wait", within=days(7), on={CLICKED: [mail("two")]}, otherwise=[Exit("silent")]))

    assert graph.reaches["one"] == {"one", "two"}
    assert graph.reaches["wait"] == {"two"}
    assert graph.reaches["exit:silent"] == frozenset()


@given(chains())
def test_a_graph_survives_its_text_form(chain):
    """from_json() of to_json() is the same graph with the same digest."""
    graph = compile(chain)
    again = Graph.from_json(graph.to_json())

    assert again == graph
    assert again.digest == graph.digest == compile(chain).digest
    assert [s.shares and list(s.shares) for s in again.steps] == [s.shares and list(s.shares) for s in graph.steps]


@given(chains())
def test_every_graph_is_well_formed(chain):
    """Edges join steps there are, follow written order but for GoTo, are ranked from 0, and every path can end."""
    graph = compile(chain)
    order = {step.name: step.order for step in graph.steps}

    assert [step.order for step in graph.steps] == list(range(len(graph.steps)))
    for edge in graph.edges:
        assert edge.to in order and (edge.from_ in order or edge.from_ in (ENTRY, ANYWHERE))
        assert edge.goto == (edge.max is not None)
        assert edge.goto or edge.from_ in (ENTRY, ANYWHERE) or order[edge.from_] < order[edge.to]
        # Whoever is refused a GoTo finds the way out right behind it, on the same answer.
        if edge.goto:
            assert graph.out(edge.from_)[edge.rank + 1].on == edge.on
        if edge.after and not edge.goto:
            assert graph.step(edge.to).kind not in ("wait", "end")
    for step in graph.steps:
        assert [edge.rank for edge in graph.out(step.name)] == list(range(len(graph.out(step.name))))
        assert (graph.out(step.name) == ()) == (step.kind == "end")


@given(chains())
def test_every_graph_can_be_drawn(chain):
    """The diagram has every written step, with its count; the table has every edge."""
    graph = compile(chain)
    drawn = mermaid(graph, {step.name: 1234 for step in graph.steps})

    assert all(f"<b>{s.name}</b>" in drawn for s in graph.steps if s.kind in ("send", "wait", "split", "assign"))
    assert drawn.count("1,234") <= len(graph.steps) and "classDef end" not in drawn     # a word of Mermaid's own
    assert drawn.count("used up") == table(graph).count("used up") == sum(e.goto for e in graph.edges)
    assert len(table(graph).splitlines()) == len(graph.edges) + 2
