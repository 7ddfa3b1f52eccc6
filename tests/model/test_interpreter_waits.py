"""The meaning of the grammar, pinned: what a wait hears, when it ends, and when nothing was sent."""

from datetime import timedelta

from marketing.chain import CLICKED, INBOUND_CALL, NOT_SENT, REPLIED, Exit, WaitFor, days
from tests.model.examples import ANNA, accepted, day, model_of, offer, path, refused, small_chain, thanks


class TestWait:
    def chain(self, **more):
        return small_chain(
            offer("ask"),
            WaitFor("answer", days(7), {CLICKED: [thanks("glad")], REPLIED: [Exit("replied")]}, [thanks("sorry")]),
            **more,
        )

    def asked(self, **more):
        """Anna was asked on day 0, and the message accepted two hours later."""
        model = model_of(self.chain(**more))
        model.run_pass("winter", day(0), {ANNA})
        model.drain(day(0, 2), accepted)
        return model, model.latest_touch(ANNA, "winter", "ask")

    def test_answer(self):
        """A response to the wait's touch takes its branch, which goes on with what follows the wait."""
        model, ask = self.asked()
        model.answered(CLICKED, day(1), ANNA, ask)

        model.run_pass("winter", day(1, 1))

        assert path(model)[2:] == [
            ("answer", "glad", "clicked", day(1, 1), day(1, 1)),
            ("glad", "exit:completed", "next", day(1, 1), day(1, 1)),
        ]

    def test_written_order(self):
        """Of all that is known the first branch in written order wins, whatever came first."""
        model, ask = self.asked()
        model.answered(REPLIED, day(1), ANNA, ask)
        model.answered(CLICKED, day(2), ANNA, ask)

        model.run_pass("winter", day(3))

        assert path(model)[2][:3] == ("answer", "glad", "clicked")

    def test_deadline(self):
        """Silence counts from the acceptance of the last touch, not from the plan, to the minute."""
        model, _ = self.asked()

        model.run_pass("winter", day(7, 1.99))
        early = len(model.moves)
        model.run_pass("winter", day(7, 2))

        assert early == 2
        assert path(model)[2] == ("answer", "sorry", "otherwise", day(7, 2), day(7, 2))

    def test_answer_after_the_deadline(self):
        """An answer beats otherwise even when the deadline has passed."""
        model, ask = self.asked()
        model.answered(REPLIED, day(9), ANNA, ask)

        model.run_pass("winter", day(10))

        assert path(model)[2] == ("answer", "exit:replied", "replied", day(10), day(10))

    def test_latency(self):
        """A letter takes the connector's stated time to arrive; the wait counts from then."""
        model = model_of(small_chain(offer("letter", "post"), WaitFor("answer", days(7), {REPLIED: []})),
                         latency={"post": timedelta(days=3)})
        model.run_pass("winter", day(0), {ANNA})
        model.drain(day(1), accepted)

        for number in (10, 11):
            model.run_pass("winter", day(number))

        assert path(model)[2:] == [("answer", "exit:completed", "otherwise", day(11), day(11))]

    def test_unsettled(self):
        """A touch not yet handed over keeps the wait open: its clock has not started."""
        model = model_of(self.chain())
        model.run_pass("winter", day(0), {ANNA})

        model.run_pass("winter", day(30))

        assert model.active() == [("winter", ANNA, 1, "answer", day(0))]

    def test_unknown_is_a_hearing(self):
        """A touch of which nobody knows whether it left counts as made when sending began."""
        model = model_of(self.chain())
        model.run_pass("winter", day(0), {ANNA})
        model.drain(day(1), lambda touch: "unknown")

        model.run_pass("winter", day(8))

        assert path(model)[2] == ("answer", "sorry", "otherwise", day(8), day(8))

    def test_machines(self):
        """A click of a scanner moves nobody."""
        model, ask = self.asked()
        model.answered(CLICKED, day(1), ANNA, ask, machine=True)

        model.run_pass("winter", day(2))

        assert len(model.moves) == 2

    def test_earlier_touches(self):
        """A late response to a touch from before the previous wait moves nobody."""
        model = model_of(small_chain(
            offer("one"), WaitFor("first", days(1), {CLICKED: [Exit("early")]}),
            offer("two"), WaitFor("second", days(1), {CLICKED: [Exit("late")]}, [Exit("silent")]),
        ))
        model.run_pass("winter", day(0), {ANNA})
        model.drain(day(0), accepted)
        model.run_pass("winter", day(1))
        model.drain(day(1), accepted)
        model.answered(CLICKED, day(1.5), ANNA, model.latest_touch(ANNA, "winter", "one"))
        model.run_pass("winter", day(2))

        assert [m[:3] for m in path(model)] == [
            ("", "one", "entered"), ("one", "first", "next"), ("first", "two", "otherwise"),
            ("two", "second", "next"), ("second", "exit:silent", "otherwise"),
        ]

    def test_without_a_key(self):
        """A response without a key is heard if it happened after the first of the wait's touches was made."""
        heard = {}
        for happened_at in (day(0, 1), day(0, 2), day(0, 3)):
            model = model_of(small_chain(offer("ask"), WaitFor("answer", days(7), {INBOUND_CALL: [Exit("called")]})))
            model.run_pass("winter", day(0), {ANNA})
            model.drain(day(0, 2), accepted)
            model.answered(INBOUND_CALL, happened_at, ANNA)
            model.run_pass("winter", day(1))
            heard[happened_at] = [m[1] for m in path(model)[2:]]

        assert heard == {day(0, 1): [], day(0, 2): [], day(0, 3): ["exit:called"]}

    def test_without_a_send(self):
        """A wait with no Send behind it hears what happens after the contact arrived, and ends by its own length."""
        paths = []
        for happened_at in (day(0), day(1)):
            model = model_of(small_chain(WaitFor("listen", days(2), {INBOUND_CALL: [Exit("called")]})))
            model.run_pass("winter", day(0), {ANNA})
            model.answered(INBOUND_CALL, happened_at, ANNA)
            model.run_pass("winter", day(2))
            paths.append(path(model)[1:])

        assert paths == [
            [("listen", "exit:completed", "otherwise", day(2), day(2))],
            [("listen", "exit:called", "inbound_call", day(2), day(2))],
        ]

    def test_two_waits_in_a_row(self):
        """What an earlier wait heard is gone for the next: its clock and its ear begin at the arrival."""
        model = model_of(small_chain(
            offer("ask"), WaitFor("first", days(1), {REPLIED: [Exit("replied")]}),
            WaitFor("second", days(1), {REPLIED: [Exit("replied_late")]}, [Exit("silent")]),
        ))
        model.run_pass("winter", day(0), {ANNA})
        model.drain(day(0), accepted)
        model.run_pass("winter", day(5))
        model.answered(REPLIED, day(5.5), ANNA, model.latest_touch(ANNA, "winter", "ask"))
        model.run_pass("winter", day(6))

        assert path(model)[2:] == [
            ("first", "second", "otherwise", day(5), day(5)),
            ("second", "exit:silent", "otherwise", day(6), day(6)),
        ]


class TestNotSent:
    def test_branch(self):
        """NOT_SENT answers once every touch of the wait is settled and none was made."""
        model = model_of(small_chain(
            offer("a"), offer("b"), WaitFor("answer", days(7), {NOT_SENT: [offer("letter", "post")]}, [Exit("silent")]),
        ))
        outcomes = {"a": "rejected", "b": None}
        model.run_pass("winter", day(0), {ANNA})
        model.drain(day(0), lambda touch: outcomes[touch.step])
        model.run_pass("winter", day(1))
        still = model.active()
        model.drain(day(1), lambda touch: "blocked")
        model.run_pass("winter", day(2))

        assert still == [("winter", ANNA, 1, "answer", day(0))]
        assert path(model)[3:] == [
            ("answer", "letter", "not_sent", day(2), day(2)),
            ("letter", "exit:completed", "next", day(2), day(2)),
        ]

    def test_no_branch(self):
        """Without a branch for it the contact leaves as not reached, never by otherwise, and in the same pass."""
        model = model_of(small_chain(offer("a"), WaitFor("answer", days(7), {CLICKED: []}, [Exit("silent")])),
                         gate=lambda *asked: ("drop", "no_consent"))

        model.run_pass("winter", day(0), {ANNA})

        assert path(model) == [
            ("", "a", "entered", day(0), day(0)),
            ("a", "answer", "unreached", day(0), day(0)),
            ("answer", "exit:not_reached", "not_sent", day(0), day(0)),
        ]
        assert refused(model) == [("a", "no_consent", None, "plan", day(0))]

    def test_one_of_two(self):
        """One touch made is a hearing, whatever became of the others."""
        model = model_of(small_chain(offer("a"), offer("b"), WaitFor("answer", days(7), {CLICKED: []}, [Exit("silent")])))
        model.run_pass("winter", day(0), {ANNA})
        model.drain(day(0), lambda touch: {"a": "accepted", "b": "rejected"}[touch.step])

        model.run_pass("winter", day(7))

        assert path(model)[3:] == [("answer", "exit:silent", "otherwise", day(7), day(7))]

    def test_no_wait(self):
        """With no wait behind it the chain goes on, and the move says unreached."""
        model = model_of(small_chain(offer("a"), thanks("b")),
                         gate=lambda contact, step, *rest: ("drop", "cap") if step.name == "a" else ("pass",))

        model.run_pass("winter", day(0), {ANNA})

        assert [m[:3] for m in path(model)] == [
            ("", "a", "entered"), ("a", "b", "unreached"), ("b", "exit:completed", "next"),
        ]
