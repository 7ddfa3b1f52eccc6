"""The walk of one contact with dates comes to what the slow model comes to, whatever the chain and the answers."""

from datetime import datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from marketing.behaviour import Answered
from marketing.chain import CALL_BACK, CLICKED, COMMERCIAL, COUPON_REDEEMED, INBOUND_CALL, PURCHASED, RELATIONSHIP, UNSUBSCRIBED
from marketing.chance import holdout_salt, in_share
from marketing.gate import next_open
from marketing.graph import compile
from marketing.path import walk
from marketing.policy import Policy
from tests.model.facts import Contact
from tests.model.gates import consent, gate_of
from tests.model.interpreter import Model
from tests.model.random_chains import AUDIENCES, CHANNELS, chains

START = datetime(2026, 3, 20, 16, 30)  # a Friday, before the clocks change
ZONE = "Europe/Paris"
UNKEYED = (PURCHASED, INBOUND_CALL, COUPON_REDEEMED)
LATENCY = {"post": timedelta(days=3)}
POLICY = Policy.model_validate({"country": "FR", "hours": [
    {"channel": "sms", "weekdays": ["mon", "tue", "wed", "thu", "fri", "sat"], "from": "08:00", "to": "20:00", "holidays": False}]})
GROUNDS = {(channel, str(purpose)): frozenset({"no_objection"}) for channel in CHANNELS for purpose in (COMMERCIAL, RELATIONSHIP)}
GROUNDS |= {(channel, "transactional"): frozenset({"always"}) for channel in CHANNELS}


def opens(channel: str, at: datetime) -> datetime:
    return next_open(at, POLICY.hours.get(channel, ()), ZONE, "FR")


def by_hours(contact, step, as_of, history):
    until = opens(step.channels[0], as_of)
    return ("defer", "hours", until) if until > as_of else None


ANSWERS = st.lists(st.builds(
    lambda kind, hours: Answered(kind, START + timedelta(hours=hours)),
    st.sampled_from((CLICKED, CLICKED, CALL_BACK, UNSUBSCRIBED, *UNKEYED)), st.integers(1, 1_500)), max_size=4)


def played(chain, contact: int, answers, audiences, moments) -> Model:
    """The model with a pass at each of the moments, and again until nothing more happens at that moment."""
    spoken = consent(GROUNDS)
    model = Model([chain], [Contact(contact)], ZONE, gate=gate_of(spoken, by_hours), latency=LATENCY, permitted=gate_of(spoken))
    audience = {contact}
    for moment in sorted(moments):
        for answer in (one for one in answers if one.at == moment):
            made = [touch for touch in model.planned if touch.made_at]
            if answer.kind == UNSUBSCRIBED:
                assume(made)
                model.consented(contact, made[-1].channel, made[-1].purpose, "withdrawn", moment)
            else:
                assume(answer.kind in UNKEYED or made)
                model.answered(answer.kind, moment, contact, None if answer.kind in UNKEYED else made[-1])
        before = -1
        while before != len(model.moves):
            before = len(model.moves)
            model.run_pass(chain.name, moment, audience, {name: {contact} for name in audiences})
            model.drain(moment, lambda touch: "accepted")
            audience = set()
    return model


@given(chains("winter"), ANSWERS, st.sets(st.sampled_from(AUDIENCES)))
def test_the_walk_is_the_model(chain, answers, audiences):
    """Every move with its reason, visit and instant, and every touch with its channel, is that of passes made at each moment."""
    answers = [answer for n, answer in enumerate(answers) if answer.at not in [one.at for one in answers[:n]]]
    salts = [holdout_salt(chain.name, wave) for wave in (None, 1)]
    contact = next(n for n in range(1, 999) if not any(in_share(salt, n, chain.holdout) for salt in salts))

    stages = walk(compile(chain), START, answers, zone=ZONE, contact_id=contact, audiences=audiences, latency=LATENCY, opens=opens)
    ticks = {START + timedelta(hours=hours) for hours in range(0, 24 * 200, 60)}
    moments = {START, *(one.at for one in answers), *(one.at for one in stages), *(one.until for one in stages if one.until), *ticks}
    last = stages[-1].at + timedelta(days=40)
    model = played(chain, contact, answers, audiences, [moment for moment in moments if moment <= last])

    moves = [(m.to_step, m.reason, m.visit, m.moved_at) for m in model.moves if m.reason not in ("deferred", "fallback")]
    assert [(s.step, s.reason, s.visit, s.at) for s in stages if s.reason != "fallback"] == moves
    touches = [(t.step, t.visit, t.channel, t.planned_at) for t in model.planned]
    assert [(s.step, s.visit, s.channel, s.until) for s in stages if s.channel] == touches
