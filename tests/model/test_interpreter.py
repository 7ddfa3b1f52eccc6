"""The meaning of the grammar, pinned: one contact's way through delays, forks and bounded returns."""

from datetime import datetime

from marketing.chain import CALL_BACK, REPLIED, Delay, Exit, Experiment, GoTo, Split, WaitFor, days, hours, weeks
from marketing.chance import pick
from tests.model.examples import ANNA, accepted, day, model_of, offer, path, small_chain, thanks
from tests.model.facts import Move, Touch


class TestPass:
    def test_whole_rows(self):
        """A pass enrols, plans and goes on; every move has its own number, visit, due time and the pass's moment."""
        model = model_of(small_chain(thanks("hello"), offer("offer", "sms")))

        model.run_pass("winter", day(0), {ANNA})

        assert model.moves == [
            Move("winter", ANNA, 1, 1, "", "hello", "entered", 1, day(0), day(0)),
            Move("winter", ANNA, 1, 2, "hello", "offer", "next", 1, day(0), day(0)),
            Move("winter", ANNA, 1, 3, "offer", "exit:completed", "next", 1, day(0), day(0)),
        ]
        assert model.touches() == [
            Touch("winter", ANNA, 1, "hello", 1, 1, "email", day(0)),
            Touch("winter", ANNA, 1, "offer", 1, 1, "sms", day(0)),
        ]
        assert model.active() == []

    def test_delay(self):
        """Who is in a delay stands at its target with the moment from which it is due."""
        model = model_of(small_chain(thanks("hello"), Delay(days(2)), thanks("again")))

        model.run_pass("winter", day(0), {ANNA})
        model.run_pass("winter", day(1))
        before = model.active()
        model.run_pass("winter", day(2))

        assert before == [("winter", ANNA, 1, "again", day(2))]
        assert path(model) == [
            ("", "hello", "entered", day(0), day(0)),
            ("hello", "again", "next", day(2), day(0)),
            ("again", "exit:completed", "next", day(2), day(2)),
        ]

    def test_delay_before_the_first_step(self):
        """A chain may begin with a delay, even before a wait."""
        model = model_of(small_chain(Delay(days(1)), WaitFor("listen", days(2), {REPLIED: [Exit("replied")]})))

        for number in (0, 1, 3):
            model.run_pass("winter", day(number), {ANNA})

        assert path(model) == [
            ("", "rest:listen", "entered", day(1), day(0)),
            ("rest:listen", "listen", "next", day(1), day(1)),
            ("listen", "exit:completed", "otherwise", day(3), day(3)),
        ]

    def test_rest_before_an_end(self):
        """A delay before an end is spent at a rest; two delays in a row are one."""
        model = model_of(small_chain(thanks("hello"), Delay(days(1)), Delay(hours(12)), Exit("done")))

        for moment in (day(0), day(1), day(1.5)):
            model.run_pass("winter", moment, {ANNA})

        assert path(model) == [
            ("", "hello", "entered", day(0), day(0)),
            ("hello", "rest:exit:done", "next", day(1.5), day(0)),
            ("rest:exit:done", "exit:done", "next", day(1.5), day(1.5)),
        ]

    def test_days_are_calendar_days(self):
        """A day ends at the same hour by the house's clock: 23 hours when summer time begins."""
        model = model_of(small_chain(thanks("hello"), Delay(days(1)), thanks("again"), Delay(hours(24)), thanks("bye")))
        saturday = datetime(2026, 3, 28, 11)  # noon in Paris

        model.run_pass("winter", saturday, {ANNA})
        model.run_pass("winter", datetime(2026, 3, 29, 10))

        assert [m[3] for m in path(model)[1:]] == [datetime(2026, 3, 29, 10), datetime(2026, 3, 30, 10)]

    def test_since_enrolled(self):
        """A delay since enrolment counts from there, and is over at once when that moment has passed."""
        steps = [thanks("a"), Delay(days(3)), thanks("b"), Delay(days(5), since="enrolled"), thanks("c"),
                 Delay(days(2), since="enrolled"), thanks("d")]
        model = model_of(small_chain(*steps))

        for number in (0, 4, 6):
            model.run_pass("winter", day(number), {ANNA})

        assert path(model) == [
            ("", "a", "entered", day(0), day(0)),
            ("a", "b", "next", day(3), day(0)),
            ("b", "c", "next", day(5), day(4)),
            ("c", "d", "next", day(6), day(6)),
            ("d", "exit:completed", "next", day(6), day(6)),
        ]


class TestGoTo:
    def test_bounded(self):
        """It takes effect in the next pass, counts the visits of its target, and used up takes its then at once."""
        chain = small_chain(
            offer("call", "phone"),
            WaitFor("outcome", days(1), {CALL_BACK: [Delay(until="on"), GoTo("call", at_most=2, then=[thanks("mail")])]}),
        )
        model = model_of(chain)
        model.run_pass("winter", day(0), {ANNA})
        for number, on in ((0, "2026-01-07"), (2, "2026-01-09")):
            model.drain(day(number), accepted)
            model.answered(CALL_BACK, day(number + 0.5), ANNA, model.latest_touch(ANNA, "winter", "call"), meta={"on": on})
            model.run_pass("winter", day(number + 1))
            model.run_pass("winter", day(number + 2))

        assert [(m.from_step, m.to_step, m.reason, m.visit, m.due_at, m.moved_at) for m in model.moves] == [
            ("", "call", "entered", 1, day(0), day(0)),
            ("call", "outcome", "next", 1, day(0), day(0)),
            ("outcome", "call", "call_back", 2, day(2), day(1)),  # 7 January, 09:00 in Paris
            ("call", "outcome", "next", 2, day(2), day(2)),
            ("outcome", "mail", "call_back", 1, day(3), day(3)),
            ("mail", "exit:completed", "next", 1, day(3), day(3)),
        ]
        assert [(t.step, t.visit) for t in model.touches()] == [("call", 1), ("call", 2), ("mail", 1)]

    def test_next_pass(self):
        """A step that a GoTo leads to is for the next pass, even with nothing to wait for."""
        model = model_of(small_chain(
            Split("gate", {"ready": [Exit("ready")]}, [GoTo("gate", at_most=3)]),
        ))

        for number in range(3):
            model.run_pass("winter", day(number), {ANNA})

        assert path(model) == [
            ("", "gate", "entered", day(0), day(0)),
            ("gate", "gate", "otherwise", day(0), day(0)),
            ("gate", "gate", "otherwise", day(1), day(1)),
            ("gate", "exit:tried_enough", "otherwise", day(2), day(2)),
        ]

    def test_to_a_wait_after_a_delay(self):
        """A delay before a GoTo to a wait is spent at a rest; from there the visits are counted."""
        model = model_of(small_chain(
            WaitFor("listen", days(1), {REPLIED: [Exit("replied")]}, [Delay(days(2)), GoTo("listen", at_most=1)]),
        ))

        for number in (0, 1, 3):
            model.run_pass("winter", day(number), {ANNA})

        assert path(model) == [
            ("", "listen", "entered", day(0), day(0)),
            ("listen", "rest:listen", "otherwise", day(3), day(1)),
            ("rest:listen", "exit:tried_enough", "next", day(3), day(3)),
        ]

    def test_dates_that_cannot_be_read(self):
        """A date missing, unreadable or past: the span written beside it, else now, and never before now."""
        due = {}
        for on in ("soon", "", "2025-12-01", "2026-01-10T18:30"):
            for span in (None, days(3)):
                model = model_of(small_chain(
                    offer("call", "phone"),
                    WaitFor("outcome", days(9), {CALL_BACK: [Delay(span, until="on"), thanks("mail")]}),
                ))
                model.run_pass("winter", day(0), {ANNA})
                model.drain(day(0), accepted)
                model.answered(CALL_BACK, day(0.5), ANNA, model.latest_touch(ANNA, "winter", "call"), meta={"on": on})
                model.run_pass("winter", day(1))
                due[on, bool(span)] = path(model)[2][3]

        assert due == {
            ("soon", False): day(1), ("soon", True): day(4), ("", False): day(1), ("", True): day(4),
            ("2025-12-01", False): day(1), ("2025-12-01", True): day(1),
            ("2026-01-10T18:30", False): day(5, 9.5), ("2026-01-10T18:30", True): day(5, 9.5),
        }

    def test_first_answer_gives_the_date(self):
        """Of two responses that take the same branch, the first to happen gives the date."""
        model = model_of(small_chain(
            offer("call", "phone"), WaitFor("outcome", days(9), {CALL_BACK: [Delay(until="on"), thanks("mail")]}),
        ))
        model.run_pass("winter", day(0), {ANNA})
        model.drain(day(0), accepted)
        call = model.latest_touch(ANNA, "winter", "call")
        model.answered(CALL_BACK, day(0.7), ANNA, call, meta={"on": "2026-01-20"})
        model.answered(CALL_BACK, day(0.5), ANNA, call, meta={"on": "2026-01-15"})

        model.run_pass("winter", day(1))

        assert path(model)[2] == ("outcome", "mail", "call_back", day(10), day(1))


class TestForks:
    def test_split(self):
        """A Split takes the first audience, in written order, that the contact is in at the pass."""
        model = model_of(small_chain(Split("who", {"top": [Exit("top")], "rich": [Exit("rich")]}, [Exit("other")])),
                         contacts=(1, 2, 3))

        model.run_pass("winter", day(0), {1, 2, 3}, {"top": {1}, "rich": {1, 2}})

        assert [path(model, contact)[1][:3] for contact in (1, 2, 3)] == [
            ("who", "exit:top", "top"), ("who", "exit:rich", "rich"), ("who", "exit:other", "otherwise"),
        ]

    def test_experiment(self):
        """A variant is drawn by chain and step name, and kept when the contact comes back."""
        chain = small_chain(Experiment("size", {"small": [], "large": []}, {"small": 0.3, "large": 0.7}),
                            GoTo("size", at_most=2))
        contacts = tuple(range(1, 41))
        model = model_of(chain, contacts=contacts)

        model.run_pass("winter", day(0), contacts)
        model.run_pass("winter", day(1))

        drawn = {c: [m[2] for m in path(model, c)[1:]] for c in contacts}
        assert drawn == {c: [pick("winter/size", c, {"small": 0.3, "large": 0.7})] * 2 for c in contacts}
        assert {variant for variants in drawn.values() for variant in variants} == {"small", "large"}

    def test_nested(self):
        """A branch inside a branch goes on with what follows the outer fork."""
        model = model_of(small_chain(
            Split("outer", {"a": [Split("inner", {"b": []}, [Exit("inside")])]}, [Exit("outside")]),
            Delay(weeks(1)), thanks("all"),
        ))

        model.run_pass("winter", day(0), {ANNA}, {"a": {ANNA}, "b": {ANNA}})

        assert path(model) == [
            ("", "outer", "entered", day(0), day(0)),
            ("outer", "inner", "a", day(0), day(0)),
            ("inner", "all", "b", day(7), day(0)),
        ]
