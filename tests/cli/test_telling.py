"""Each sentence of an explanation, made of a row that is rare or easily told wrong."""

from datetime import datetime
from types import SimpleNamespace

import pytest

from flows.cli import telling
from marketing.gate import REASONS
from marketing.responses import HEARD

ZONE = "Europe/Paris"
AT = datetime(2026, 1, 5, 9)
KEY = {"chain": "win_back", "enrolment_id": 1, "step": "call_them", "visit": 1, "leg": 1}


def told(**rows) -> list[str]:
    """The sentences of what happened, for these rows and no others."""
    nothing = dict.fromkeys(("lives", "moves", "touches", "refusals", "responses"), ())
    return [text for _, text in telling.story(SimpleNamespace(as_of=AT, **{**nothing, **rows}), ZONE)]


@pytest.mark.parametrize(("kind", "machine", "sentence"), [
    ("cancelled", True, "taken back, since the contact had left the chain"),
    ("not_cancelled", True, "could not be taken back when the contact left the chain"),
    ("opened", True, "opened by a machine"), ("clicked", False, "clicked"), ("not_now", False, "call outcome: not now")])
def test_responses(kind, machine, sentence):
    """What we took back was not answered by a machine; an operator's word is told as one."""
    row = {**KEY, "kind": kind, "machine": machine, "happened_at": AT}

    assert told(responses=[row]) == [f"win_back: call them: {sentence}"]


def test_responses_without_a_touch():
    """Every kind that may be heard has words, also where it answers no touch."""
    rows = [{**KEY, "chain": None, "step": None, "visit": None, "kind": kind, "machine": False, "happened_at": AT} for kind in HEARD]

    assert all(text and "_" not in text for text in told(responses=rows))


@pytest.mark.parametrize(("reason", "rule", "value", "limit", "until", "sentence"), [
    ("stale", "at_latest", "2026-01-05T09:00:00", "2026-01-04T09:00:00", None,
     "its latest moment had passed (it could leave at 2026-01-05 10:00, and was to leave by 2026-01-04 10:00); not sent"),
    ("global_holdout", "global_holdout", None, "0.05", None, "belongs to the house's holdout; not sent"),
    ("no_address", "phone", None, None, None, "no address for this channel; not sent"),
    ("no_consent", "phone/commercial", None, None, None,
     "no consent for this purpose on this channel (commercial messages by phone); not sent"),
    ("same_address", "same_address", "17", "1", None,
     "another contact with the same address gets this message (contact 17); not sent"),
    ("cap", "three_a_month", "3", "3", AT,
     "had as many messages as the policy allows (rule three_a_month, 3 of 3); put off until 2026-01-05 10:00"),
    ("hours", "phone", "Asia/Tokyo", "2026-01-05T09:00:00", AT,
     "outside the hours of this channel (in Asia/Tokyo); put off until 2026-01-05 10:00"),
    ("hours", "phone", None, "2026-01-05T09:00:00", AT, "outside the hours of this channel; put off until 2026-01-05 10:00"),
    ("suppressed", "suppression", "bounced_hard", None, None, "on the suppression list (bounced hard); not sent"),
    ("left_chain", "goal", "goal", None, None, "left the chain before it was sent (reached the goal); not sent"),
    ("missing_value", "call_script", "first_name", None, None,
     "a value that the message needs is missing (first_name of message call_script); not sent")])
def test_refusals(reason, rule, value, limit, until, sentence):
    """A refusal says what it rests on, in words and in the house's time, and nothing that is not there."""
    row = {**KEY, "reason": reason, "rule": rule, "value": value, "limit_value": limit, "until_at": until, "stage": "plan",
           "refused_at": AT}

    assert reason in REASONS
    assert told(refusals=[row]) == [f"win_back: call them refused at plan: {sentence}"]


def test_a_hand_over_that_was_not_taken_in():
    """A contact that another chain handed over, and that this one did not take, was refused no message."""
    row = {**KEY, "step": None, "visit": None, "reason": "inside", "rule": "reenter_after", "value": None, "limit_value": None,
           "until_at": None, "stage": "plan", "refused_at": AT}

    assert told(refusals=[row]) == ["win_back: handed over, but inside the chain already"]


@pytest.mark.parametrize(("outcome", "error", "sentence"), [
    ("accepted", None, "sent by mail"), ("cancelled", None, "not sent: the contact had left the chain"),
    ("rejected", "invalid_address", "refused by mail (invalid address)"),
    ("unknown", "network", "handed to mail, and nobody knows whether it left (network)")])
def test_touches(outcome, error, sentence):
    """What became of a touch, with the provider's reason where it gave one."""
    row = {**KEY, "visit": 2, "channel": "email", "connector": "mail", "purpose": "commercial", "planned_at": AT,
           "outcome": outcome, "error": error, "settled_at": AT}

    assert told(touches=[row]) == [f"win_back: call them, time 2 by email: {said}" for said in ("planned (commercial)", sentence)]


@pytest.mark.parametrize(("to_step", "reason", "sentence"), [
    ("gift", "clicked", "gift (clicked)"), ("goal", "goal", "its goal"),
    ("exit:not_reached", "not_sent", "the exit not reached (nothing was sent)"),
    ("enrol:news_monthly", "goal", "a hand-over to news_monthly (reached the goal)"),
    ("suppress:dormant", "otherwise", "a suppression as dormant (otherwise)"),
    ("rest:enrol:news_monthly", "clicked", "a delay before a hand-over to news_monthly (clicked)"),
    ("gift", "unreached", "gift (it was not sent)")])
def test_moves(to_step, reason, sentence):
    """A move names both places and why, each in words."""
    row = {"chain": "win_back", "from_step": "first_wait", "to_step": to_step, "reason": reason, "moved_at": AT}

    assert told(moves=[row]) == [f"win_back: from first wait to {sentence}"]


@pytest.mark.parametrize(("of_address", "sentence"), [
    (None, "suppressed for every message by email since 2026-01-05 10:00: bounced hard"),
    ("email", "its e-mail address is suppressed for every message by email since 2026-01-05 10:00: bounced hard"),
    ("phone", "its number is suppressed for every message by email since 2026-01-05 10:00: bounced hard")])
def test_suppressions(of_address, sentence):
    """Whether the contact is suppressed, or an address that it has."""
    row = {"purpose": "all", "channel": "email", "until_at": None, "in_force": True, "of_address": of_address,
           "reason": "bounced_hard", "from_at": AT}

    assert list(telling.suppressions(SimpleNamespace(suppressions=[row]), ZONE)) == [sentence]
