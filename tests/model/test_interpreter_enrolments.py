"""The meaning of the grammar, pinned: entering, leaving by goal and exits, holdouts, hand-overs."""

from marketing.chain import (
    CLICKED, COUPON_REDEEMED, INBOUND_CALL, PURCHASED, Delay, Enrol, Exit, Goal, GoTo, Suppress, WaitFor, days, weeks,
)
from marketing.chance import in_share
from tests.model.examples import ANNA, accepted, day, model_of, offer, path, refused, small_chain, thanks

WAIT = WaitFor("answer", days(7), {CLICKED: [Exit("clicked")]})


class TestGoal:
    def chain(self, **more):
        return small_chain(offer("ask"), WAIT, goal=Goal(PURCHASED, within=weeks(2), **more), exits={INBOUND_CALL: "called"})

    def test_ends_at_once(self):
        """The goal ends the enrolment before anything else, and what is planned will not leave."""
        model = model_of(self.chain())
        model.run_pass("winter", day(0), {ANNA})
        model.answered(INBOUND_CALL, day(0.1), ANNA)
        model.answered(PURCHASED, day(0.5), ANNA)
        model.run_pass("winter", day(1))
        model.drain(day(1, 1), accepted)

        assert path(model)[2:] == [("answer", "goal", "goal", day(1), day(1))]
        assert refused(model) == [("ask", "left_chain", None, "send", day(1, 1))]

    def test_then(self):
        """Its then takes the place of the goal's own end."""
        model = model_of(self.chain(then=[Exit("won")]))
        model.run_pass("winter", day(0), {ANNA})
        model.answered(PURCHASED, day(0.5), ANNA)
        model.run_pass("winter", day(1))

        assert path(model)[2:] == [("answer", "exit:won", "goal", day(1), day(1))]

    def test_window(self):
        """It counts what happened after the enrolment and until its window closed, both to the instant."""
        reached = {}
        for happened_at in (day(0), day(0, 0.001), day(14), day(14, 0.001)):
            model = model_of(self.chain())
            model.run_pass("winter", day(0), {ANNA})
            model.answered(PURCHASED, happened_at, ANNA)
            model.run_pass("winter", day(15))
            reached[happened_at] = not model.active()

        assert list(reached.values()) == [False, True, True, False]

    def test_only_measured(self):
        """With ends=False it moves nobody, and a wait may turn on the same response."""
        model = model_of(small_chain(
            offer("ask"), WaitFor("answer", days(7), {PURCHASED: [thanks("glad")]}),
            goal=Goal(PURCHASED, within=weeks(2), ends=False),
        ))
        model.run_pass("winter", day(0), {ANNA})
        model.drain(day(0), accepted)
        model.answered(PURCHASED, day(0.5), ANNA)
        model.run_pass("winter", day(1))

        assert path(model)[2:] == [
            ("answer", "glad", "purchased", day(1), day(1)), ("glad", "exit:completed", "next", day(1), day(1)),
        ]

    def test_in_a_delay(self):
        """It ends the enrolment wherever the contact stands, in a delay too; a machine's click reaches nothing."""
        model = model_of(small_chain(offer("ask"), Delay(days(5)), thanks("later"), goal=Goal(CLICKED, within=weeks(2))))
        model.run_pass("winter", day(0), {ANNA})
        model.drain(day(0), accepted)
        ask = model.latest_touch(ANNA, "winter", "ask")
        model.answered(CLICKED, day(1), ANNA, ask, machine=True)
        model.run_pass("winter", day(2))
        model.answered(CLICKED, day(2), ANNA, ask)
        model.run_pass("winter", day(3))

        assert path(model) == [
            ("", "ask", "entered", day(0), day(0)), ("ask", "later", "next", day(5), day(0)),
            ("later", "goal", "goal", day(3), day(3)),
        ]


class TestExits:
    def test_response(self):
        """A response named in exits ends the enrolment if it happened after the entry; the wait is not asked."""
        model = model_of(small_chain(offer("ask"), WAIT, exits={INBOUND_CALL: "called"}))
        model.answered(INBOUND_CALL, day(-1), ANNA)
        model.run_pass("winter", day(0), {ANNA})
        model.drain(day(0), accepted)
        model.run_pass("winter", day(1))
        model.answered(CLICKED, day(1.2), ANNA, model.latest_touch(ANNA, "winter", "ask"))
        model.answered(INBOUND_CALL, day(1.3), ANNA)
        model.run_pass("winter", day(2))

        assert path(model)[2:] == [("answer", "exit:called", "inbound_call", day(2), day(2))]

    def test_suppressed(self):
        """A suppression of the whole contact, known since the chain's last pass and in force, ends the enrolment."""
        model = model_of(small_chain(offer("ask"), WAIT), contacts=(1, 2))
        model.run_pass("winter", day(0), {1, 2})
        model.suppressed(1, day(1))
        model.suppressed(2, day(1), until_at=day(2))
        model.run_pass("winter", day(2))

        assert path(model, 1)[2:] == [("answer", "exit:suppressed", "suppressed", day(2), day(2))]
        assert path(model, 2)[2:] == []

    def test_suppressed_before(self):
        """A suppression older than the enrolment ends nothing: it is the gate's business."""
        model = model_of(small_chain(offer("ask"), WAIT))
        model.suppressed(ANNA, day(-1))
        model.run_pass("winter", day(0), {ANNA})
        model.run_pass("winter", day(1))

        assert model.active() == [("winter", ANNA, 1, "answer", day(0))]

    def test_suppress_elsewhere(self):
        """A Suppress in one chain takes the contact out of the others."""
        winter, spring = small_chain(offer("ask"), WAIT), small_chain(thanks("bye"), Suppress("dormant"), name="spring")
        model = model_of(winter, spring)
        model.run_pass("winter", day(0), {ANNA})
        model.run_pass("spring", day(1), {ANNA})
        model.run_pass("winter", day(1))

        assert path(model, chain="spring")[1:] == [("bye", "suppress:dormant", "next", day(1), day(1))]
        assert path(model, chain="winter")[2:] == [("answer", "exit:suppressed", "suppressed", day(1), day(1))]

    def test_own_end_cancels_nothing(self):
        """Who comes to the end of the chain still gets what was planned on the way."""
        model = model_of(small_chain(offer("ask")))
        model.run_pass("winter", day(0), {ANNA})
        model.drain(day(1), accepted)

        assert [t.outcome for t in model.planned] == ["accepted"]


class TestHoldout:
    def chain(self):
        return small_chain(offer("ask"), WAIT, goal=Goal(PURCHASED, within=weeks(1)), holdout=0.5)

    def test_gets_nothing(self):
        """A contact of the holdout is enrolled, gets nothing, and leaves when the goal's window closes."""
        contacts = range(1, 21)
        model = model_of(self.chain(), contacts=contacts)
        held = {c for c in contacts if in_share("winter/holdout", c, 0.5)}
        model.run_pass("winter", day(0), contacts)
        model.run_pass("winter", day(7))

        assert 0 < len(held) < 20
        assert {t.contact for t in model.touches()} == set(contacts) - held
        assert [path(model, c) for c in held] == [[
            ("", "holdout", "held_out", day(7), day(0)),
            ("holdout", "exit:held_out", "window_closed", day(7), day(7)),
        ]] * len(held)

    def test_goal(self):
        """The goal ends the enrolment of both arms in the same way, also on the last day."""
        contacts = range(1, 21)
        model = model_of(self.chain(), contacts=contacts)
        model.run_pass("winter", day(0), contacts)
        for contact in contacts:
            model.answered(PURCHASED, day(7), contact)
        model.run_pass("winter", day(7))

        assert {path(model, c)[-1][1:] for c in contacts} == {("goal", "goal", day(7), day(7))}


class TestEntry:
    def test_once(self):
        """Without reenter_after nobody enters twice, and nobody enters who is inside."""
        model = model_of(small_chain(offer("ask"), Delay(days(3)), thanks("bye")))
        for number in (0, 1, 5, 100):
            model.run_pass("winter", day(number), {ANNA})

        assert [m[0] for m in path(model)] == ["", "ask", "bye"]

    def test_again(self):
        """Who entered less than reenter_after ago stays out; at that very moment the audience takes them in again."""
        model = model_of(small_chain(offer("ask"), reenter_after=days(10)))
        for number in (0, 9, 10):
            model.run_pass("winter", day(number), {ANNA})

        assert [(m.wave, m.seq, m.moved_at) for m in model.moves] == [
            (1, 1, day(0)), (1, 2, day(0)), (2, 1, day(10)), (2, 2, day(10)),
        ]

    def test_leaves_and_enters_in_one_pass(self):
        """Goals and exits come before the enrolment: who leaves by one may enter anew in the same pass."""
        model = model_of(small_chain(offer("ask"), WAIT, exits={COUPON_REDEEMED: "used"}, reenter_after=days(1)))
        model.run_pass("winter", day(0), {ANNA})
        model.answered(COUPON_REDEEMED, day(1), ANNA)
        model.run_pass("winter", day(2), {ANNA})

        assert [(m.wave, m.to_step) for m in model.moves] == [
            (1, "ask"), (1, "answer"), (1, "exit:used"), (2, "ask"), (2, "answer"),
        ]

    def test_leaves_by_a_step(self):
        """Who leaves by a step enters anew at the next pass at the earliest: the steps come after the enrolment."""
        model = model_of(small_chain(thanks("hello"), Delay(days(2)), Exit("done"), reenter_after=days(1)))
        for number in (0, 2, 3):
            model.run_pass("winter", day(number), {ANNA})

        assert [(m.wave, m.to_step, m.moved_at) for m in model.moves] == [
            (1, "hello", day(0)), (1, "rest:exit:done", day(0)), (1, "exit:done", day(2)),
            (2, "hello", day(3)), (2, "rest:exit:done", day(3)),
        ]


class TestHandOver:
    def chains(self, **more):
        return small_chain(thanks("hello"), Enrol("spring"), reenter_after=days(1)), small_chain(
            thanks("welcome"), Delay(days(3)), thanks("bye"), name="spring", **more)

    def test_next_pass(self):
        """A hand-over is taken in by the other chain's next pass, in a wave of its own, without its audience."""
        model = model_of(*self.chains(), contacts=(1, 2))
        model.run_pass("spring", day(0), {2})
        model.run_pass("winter", day(0), {1})
        model.run_pass("spring", day(1), {2})

        assert path(model, 1) == [
            ("", "hello", "entered", day(0), day(0)),
            ("hello", "enrol:spring", "next", day(0), day(0)),
            ("", "welcome", "entered", day(1), day(1)),
            ("welcome", "bye", "next", day(4), day(1)),
        ]
        assert [(m.chain, m.contact, m.wave) for m in model.moves if m.from_step == ""] == [
            ("spring", 2, 1), ("winter", 1, 2), ("spring", 1, 3),
        ]

    def test_refused(self):
        """A hand-over of somebody inside, or entered too recently, is a refusal; it is not tried again."""
        model = model_of(*self.chains(reenter_after=days(5)))
        for number in (0, 2, 4):
            model.run_pass("spring", day(number - 0.5))
            model.run_pass("winter", day(number), {ANNA})
            model.run_pass("spring", day(number))
        model.run_pass("spring", day(5))

        assert [(r.chain, r.step, r.reason, r.refused_at) for r in model.refusals] == [
            ("spring", "", "inside", day(2)), ("spring", "", "entered_recently", day(4)),
        ]
        assert [m[4] for m in path(model, chain="spring") if m[0] == ""] == [day(0)]

    def test_goal_hands_over(self):
        """Both arms are handed over by a goal whose then is an Enrol."""
        contacts = range(1, 21)
        winter = small_chain(offer("ask"), WAIT, goal=Goal(PURCHASED, within=weeks(1), then=[Enrol("spring")]), holdout=0.5)
        model = model_of(winter, self.chains()[1], contacts=contacts)
        model.run_pass("winter", day(0), contacts)
        for contact in contacts:
            model.answered(PURCHASED, day(1), contact)
        model.run_pass("winter", day(2))
        model.run_pass("spring", day(2))

        assert {m.contact for m in model.moves if m.to_step == "welcome"} == set(contacts)

    def test_hand_over_before_audience(self):
        """Who is handed over and in the audience as well enters once, by the hand-over, and nothing is refused."""
        model = model_of(*self.chains())
        model.run_pass("winter", day(0), {ANNA})
        model.run_pass("spring", day(0), {ANNA})

        assert [m[:2] for m in path(model, chain="spring")] == [("", "welcome"), ("welcome", "bye")]
        assert model.refusals == []


def test_goal_while_sent_back():
    """A contact sent back by a GoTo leaves by the goal before the step is tried again."""
    model = model_of(small_chain(
        offer("ask"), WaitFor("answer", days(1), {CLICKED: []}, [GoTo("ask", at_most=2)]),
        goal=Goal(PURCHASED, within=weeks(2)),
    ))
    model.run_pass("winter", day(0), {ANNA})
    model.drain(day(0), accepted)
    model.run_pass("winter", day(1))
    model.answered(PURCHASED, day(1, 1), ANNA)
    model.run_pass("winter", day(2))

    assert [m[:3] for m in path(model)[2:]] == [("answer", "ask", "otherwise"), ("ask", "goal", "goal")]
