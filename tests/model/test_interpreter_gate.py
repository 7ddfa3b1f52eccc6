"""The meaning of the grammar, pinned: what the gate's word does to a contact, at plan and at send."""

from datetime import datetime

from marketing.chain import CLICKED, NOT_SENT, TRANSACTIONAL, Delay, Exit, Send, WaitFor, days
from tests.model import gates
from tests.model.examples import ANNA, accepted, day, model_of, offer, path, refused, small_chain, thanks
from tests.model.facts import Contact
from tests.model.interpreter import Model

PARIS = "Europe/Paris"


def until(*moments):
    """A gate that defers once to each of the moments, then lets pass."""
    left = list(moments)

    def gate(contact, step, as_of, history):
        return ("defer", "hours", left.pop(0)) if left else ("pass",)

    return gate


class TestDeferral:
    def test_rests_at_the_send(self):
        """A deferral is a move of the Send onto itself, same visit, due when it said; nothing else is tried till then."""
        model = model_of(small_chain(offer("ask"), thanks("bye")), gate=until(day(2)))
        for number in (0, 1, 2):
            model.run_pass("winter", day(number), {ANNA})

        assert [(m.from_step, m.to_step, m.reason, m.visit, m.due_at, m.moved_at) for m in model.moves] == [
            ("", "ask", "entered", 1, day(0), day(0)),
            ("ask", "ask", "deferred", 1, day(2), day(0)),
            ("ask", "bye", "next", 1, day(2), day(2)),
            ("bye", "exit:completed", "next", 1, day(2), day(2)),
        ]
        assert refused(model) == [("ask", "hours", day(2), "plan", day(0))]

    def test_past_at_latest(self):
        """at_latest counts from when the touch was first due; a deferral beyond it is the drop stale, at once."""
        model = model_of(small_chain(Delay(days(1)), offer("ask", at_latest=days(3))), gate=until(day(2), day(4), day(4.1)))
        for number in (0, 1, 2, 4):
            model.run_pass("winter", day(number), {ANNA})

        assert path(model) == [
            ("", "ask", "entered", day(1), day(0)),
            ("ask", "ask", "deferred", day(2), day(1)),
            ("ask", "ask", "deferred", day(4), day(2)),
            ("ask", "exit:completed", "unreached", day(4), day(4)),
        ]
        assert refused(model) == [
            ("ask", "hours", day(2), "plan", day(1)),
            ("ask", "hours", day(4), "plan", day(2)),
            ("ask", "stale", None, "plan", day(4)),
        ]

    def test_pass_too_late(self):
        """A pass that comes after at_latest drops the touch as stale without asking the gate; at that moment it may leave."""
        ends = []
        for late in (day(7), day(7, 0.001)):
            model = model_of(small_chain(Delay(days(3)), offer("ask", at_latest=days(4)), Exit("bye")))
            model.run_pass("winter", day(0), {ANNA})
            model.run_pass("winter", late)
            ends.append((path(model)[1][2], refused(model)))

        assert ends == [("next", []), ("unreached", [("ask", "stale", None, "plan", day(7, 0.001))])]

    def test_at_send(self):
        """A planned touch that waits beyond at_latest for its connector is stale, and was not made."""
        model = model_of(small_chain(offer("ask", at_latest=days(1)), WaitFor("answer", days(2), {
            CLICKED: [], NOT_SENT: [Exit("not_told")]})))
        model.run_pass("winter", day(0), {ANNA})
        model.drain(day(1, 1), accepted)
        model.run_pass("winter", day(2))

        assert refused(model) == [("ask", "stale", None, "send", day(1, 1))]
        assert path(model)[2:] == [("answer", "exit:not_told", "not_sent", day(2), day(2))]


class TestRules:
    def test_suppression(self):
        """A suppression stops commercial and relationship messages at plan and at send; what an order needs still goes."""
        receipt = Send("receipt", by="email", message="receipt", purpose=TRANSACTIONAL)
        model = model_of(small_chain(offer("ask"), thanks("bye"), receipt), contacts=(1, 2),
                         gate=gates.gate_of(gates.suppressed), gate_at_send=gates.at_send())
        model.suppressed(1, day(-1))
        model.run_pass("winter", day(0), {1, 2})
        model.suppressed(2, day(0.5))
        model.drain(day(1), accepted)

        assert [(r.contact, r.step, r.reason, r.stage) for r in model.refusals] == [
            (1, "ask", "suppressed", "plan"), (1, "bye", "suppressed", "plan"),
            (2, "ask", "suppressed", "send"), (2, "bye", "suppressed", "send"),
        ]
        assert [(t.contact, t.step) for t in model.planned if t.outcome == "accepted"] == [(1, "receipt"), (2, "receipt")]

    def test_cap(self):
        """The cap counts planned touches of all chains; the n-th most recent one has to be d days old."""
        winter = small_chain(offer("a"), Delay(days(1)), offer("b"))
        spring = small_chain(offer("c"), name="spring")
        model = model_of(winter, spring, gate=gates.gate_of(gates.cap(2, 7, PARIS)))
        model.run_pass("winter", day(0), {ANNA})
        model.run_pass("winter", day(1))
        model.run_pass("spring", day(2), {ANNA})
        model.run_pass("spring", day(7))

        assert path(model, chain="spring") == [
            ("", "c", "entered", day(2), day(2)), ("c", "c", "deferred", day(7), day(2)),
            ("c", "exit:completed", "next", day(7), day(7)),
        ]
        assert refused(model) == [("c", "cap", day(7), "plan", day(2))]

    def test_cap_within_one_pass(self):
        """Touches planned earlier in the same pass count; one that certainly did not leave does not."""
        model = model_of(small_chain(offer("a"), offer("b"), offer("c")), gate=gates.gate_of(gates.cap(2, 3, PARIS)))
        model.run_pass("winter", day(0), {ANNA})
        deferred = model.active()
        model.drain(day(0), lambda touch: {"a": "rejected", "b": "unknown"}[touch.step])
        model.run_pass("winter", day(1))
        still = model.active()
        model.run_pass("winter", day(3))

        assert deferred == still == [("winter", ANNA, 1, "c", day(3))]
        assert [t.step for t in model.touches()] == ["a", "b", "c"]

    def test_hours(self):
        """The hours are those of the contact's clock, also when it has just changed."""
        anna, bob = Contact(1, zone="America/New_York"), Contact(2)
        gate = gates.gate_of(gates.hours("sms", [(range(6), 9, 20)], PARIS))
        model = Model([small_chain(offer("text", "sms"))], [anna, bob], zone=PARIS, gate=gate)

        model.run_pass("winter", datetime(2026, 3, 29, 12), {1, 2})  # the Sunday on which Paris puts its clocks on

        assert refused(model) == [
            ("text", "hours", datetime(2026, 3, 30, 13), "plan", datetime(2026, 3, 29, 12)),
            ("text", "hours", datetime(2026, 3, 30, 7), "plan", datetime(2026, 3, 29, 12)),
        ]

    def test_consent(self):
        """A ground must be there for the channel and purpose; a refusal is stronger than any other ground."""
        grounds = {("sms", "commercial"): frozenset({"granted"}), ("email", "relationship"): frozenset({"no_objection"})}
        people = [Contact(1, consents={("sms", "commercial"): "granted"}),
                  Contact(2, consents={("sms", "commercial"): "refused", ("email", "relationship"): "refused"}),
                  Contact(3, channels=frozenset({"email"}))]
        gate = gates.gate_of(gates.no_address, gates.consent(grounds))
        model = Model([small_chain(offer("text", "sms"), thanks("mail"))], people, gate=gate)

        model.run_pass("winter", day(0), {1, 2, 3})

        assert [(r.contact, r.step, r.reason) for r in model.refusals] == [
            (2, "text", "consent_withdrawn"), (3, "text", "no_address"), (2, "mail", "consent_withdrawn"),
        ]
        assert [(t.contact, t.step) for t in model.touches()] == [(1, "text"), (1, "mail"), (3, "mail")]
