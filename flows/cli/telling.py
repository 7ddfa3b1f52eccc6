"""An explanation in words: what happened to one contact, and why nothing else did."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flows.cli.showing import moment
from marketing.gate import REASONS
from marketing.relation import DEFERRED, FELL_BACK
from marketing.responses import CALL_OUTCOMES, CANCELLED, NOT_CANCELLED

__all__ = ["story", "words"]

_OUTCOMES = {
    "accepted": "sent by {connector}", "duplicate": "sent by {connector} already, not a second time",
    "rejected": "refused by {connector}", "blocked": "blocked by {connector}",
    "unknown": "handed to {connector}, and nobody knows whether it left",
    "cancelled": "not sent: the contact had left the chain", "stale": "not sent: its latest moment had passed",
}
_GROUNDS = {"granted": "consent", "customer": "is a customer", "no_objection": "no objection",
            "no_consent": "no consent", "refused": "consent refused", "withdrawn": "consent withdrawn"}
_STANDS = {"wait": "waits for {hears}", "send": "is to get {step}", "holdout": "held out, gets nothing from this chain",
           "rest": "waits", "split": "is to be looked at", "experiment": "is to be drawn", "assign": "is to get a rep"}
#: Why a contact moved, where the name of the edge alone says too little.
_BECAUSE = {"next": "", "goal": "reached the goal", "not_sent": "nothing was sent", "unreached": "it was not sent",
            "window_closed": "the goal's window closed"}
#: What became of our own attempt to take a touch back.
_TAKEN_BACK = {CANCELLED: "taken back, since the contact had left the chain",
               NOT_CANCELLED: "could not be taken back when the contact left the chain"}
_SUPPRESSED = {None: "suppressed", "email": "its e-mail address is suppressed", "phone": "its number is suppressed"}


def words(name: str) -> str:
    return name.replace("_", " ")


def story(told, zone: str) -> list[tuple[datetime, str]]:
    """Everything that happened, oldest first: the instant (naive UTC) and a sentence."""
    refused_at_send = {_key(row) for row in told.refusals if row["stage"] == "send"}
    events = [*_entries(told), *_moves(told), *_touches(told, refused_at_send), *_refusals(told, zone), *_responses(told)]
    return [(at, text) for at, _, text in sorted(events, key=lambda event: event[:2])]


def chains(told, zone: str) -> Iterator[str]:
    """A sentence or two for each chain: where the contact stands in it, when it moves on, or why it is not in it."""
    for verdict in told.verdicts:
        lives = [life for life in told.lives if life.chain == verdict.chain]
        yield f"{verdict.chain}: " + (_inside(lives[-1], zone) if verdict.verdict == "inside" else _outside(verdict, lives, zone))


def permissions(told) -> Iterator[str]:
    for row in told.permissions:
        may = "may get" if row["allowed"] else "may not get"
        yield f"{may} {row['purpose']} messages by {row['channel']}: {_GROUNDS.get(row['ground'], row['ground'])}"


def suppressions(told, zone: str) -> Iterator[str]:
    for row in told.suppressions:
        what = {None: "commercial and relationship messages", "all": "every message"}.get(
            row["purpose"], f"{row['purpose']} messages")
        by = f" by {row['channel']}" if row["channel"] else ""
        until = f" until {moment(row['until_at'], zone)}" if row["until_at"] else ""
        state = "" if row["in_force"] else " (not in force)"
        reason = words(row["reason"] or "no reason given")
        yield f"{_SUPPRESSED[row['of_address']]} for {what}{by} since {moment(row['from_at'], zone)}{until}: {reason}{state}"


def _inside(life, zone: str) -> str:
    stands = _STANDS.get(life.kind, "stands").format(step=words(life.stands_at), hears=" or ".join(words(h) for h in life.hears))
    due = f"; due at {moment(life.due_at, zone)}" if life.due_at else ""
    if life.kind == "wait":
        due = (f"; moves on at {moment(life.due_at, zone)} if nothing comes" if life.due_at else
               "; its clock starts when the message has left")
    where = "in" if life.stands_at.startswith("rest:") else "at"
    return (f"inside since {moment(life.enrolled_at, zone)} (wave {life.wave}); {where} {_place(life.stands_at)} since "
            f"{moment(life.since, zone)}, {stands}{due}")


def _outside(verdict, lives: list, zone: str) -> str:
    was = ""
    if lives:
        last = lives[-1]
        was = f"left at {moment(last.since, zone)} by {_place(last.stands_at)}{_because(last.reason, last.stands_at)}; "
    params = ", ".join(f"{name} = {value}" for name, value in verdict.params.items())
    asked = f" (asked with {params})" if params else ""
    return was + {
        "entered_recently": ("may not enter again" if verdict.until is None else
                             f"entered recently, may enter again from {moment(verdict.until, zone)}"),
        "not_in_audience": f"not in its audience now{asked}",
        "may_enter": f"in its audience{asked}; enters with the next pass that asks it",
        "unasked": f"its audience could not be asked: {verdict.detail}",
    }[verdict.verdict]


def _place(step: str) -> str:
    """A step or an end, as it stands in a sentence."""
    action, _, argument = step.partition(":")
    return {"rest": f"a delay before {_place(argument) if argument else ''}", "exit": f"the exit {words(argument)}",
            "enrol": f"a hand-over to {argument}", "suppress": f"a suppression as {words(argument)}",
            "goal": "its goal"}.get(action, words(step))


def _because(reason: str, to_step: str = "") -> str:
    said = _BECAUSE.get(reason, words(reason)) if reason != to_step else ""
    return f" ({said})" if said else ""


def _entries(told) -> Iterator[tuple[datetime, int, str]]:
    for life in told.lives:
        how = "and was drawn for the holdout: nothing is sent to it" if life.held_out else "and is treated"
        yield life.enrolled_at, 0, f"{life.chain}: entered in wave {life.wave} {how}"


def _moves(told) -> Iterator[tuple[datetime, int, str]]:
    for move in told.moves:
        if move["from_step"] and move["reason"] not in ("next", DEFERRED):
            way = "not made or not answered, so the next channel is tried" if move["reason"] == FELL_BACK else \
                f"from {_place(move['from_step'])} to {_place(move['to_step'])}{_because(move['reason'], move['to_step'])}"
            yield move["moved_at"], 5 if move["reason"] == "unreached" else 1, f"{move['chain']}: {way}"


def _touches(told, refused_at_send: set) -> Iterator[tuple[datetime, int, str]]:
    for row in told.touches:
        name = f"{row['chain']}: {words(row['step'])}{_again(row)} by {row['channel']}"
        yield row["planned_at"], 2, f"{name}: planned ({row['purpose']})"
        if row["outcome"] is None:
            yield told.as_of, 9, f"{name}: no receipt yet; it waits in the outbox, or its receipt is still to be filed"
        elif _key(row) not in refused_at_send:
            error = f" ({words(row['error'])})" if row["error"] else ""
            said = _OUTCOMES.get(row["outcome"], f"not sent ({words(row['outcome'])})").format(connector=row["connector"])
            yield row["settled_at"], 3, f"{name}: {said}{error}"


def _refusals(told, zone: str) -> Iterator[tuple[datetime, int, str]]:
    for row in told.refusals:
        why = REASONS.get(row["reason"], words(row["reason"]))
        if row["step"]:
            then = f"put off until {moment(row['until_at'], zone)}" if row["until_at"] else "not sent"
            why = f"{words(row['step'])}{_again(row)} refused at {row['stage']}: {why}{_rests_on(row, zone)}; {then}"
        yield row["refused_at"], 3, f"{row['chain']}: {why}"


def _rests_on(row: dict[str, Any], zone: str) -> str:
    """What a refusal rests on, in brackets: the rule, and the value that it held against its limit."""
    rule, value, limit = row["rule"], row["value"], row["limit_value"]
    match row["reason"]:
        case "stale":
            could, latest = (moment(datetime.fromisoformat(instant), zone) for instant in (value, limit))
            said = f"it could leave at {could}, and was to leave by {latest}"
        case "no_consent" | "consent_withdrawn":
            channel, _, purpose = rule.partition("/")
            said = f"{purpose} messages by {channel}"
        case "cap":
            said = f"rule {rule}, {value} of {limit}"
        case "same_address":
            said = f"contact {value}"
        case "missing_value":
            said = f"{value} of message {rule}"
        case "left_chain":
            return _because(rule)
        case "suppressed":
            said = words(value or "")
        case "hours":
            said = f"in {value}" if value else ""
        case _:
            said = ""
    return f" ({said})" if said else ""


def _responses(told) -> Iterator[tuple[datetime, int, str]]:
    for row in told.responses:
        to = f"{row['chain']}: {words(row['step'])}{_again(row)}: " if row["chain"] else ""
        yield row["happened_at"], 4, f"{to}{_said(row)}"


def _said(row: dict[str, Any]) -> str:
    kind = row["kind"]
    if kind in _TAKEN_BACK:
        return _TAKEN_BACK[kind]
    said = f"call outcome: {words(kind)}" if kind in CALL_OUTCOMES else words(kind)
    return f"{said} by a machine" if row["machine"] else said


def _again(row: dict[str, Any]) -> str:
    return f", time {row['visit']}" if (row["visit"] or 1) > 1 else ""


def _key(row: dict[str, Any]) -> tuple:
    return row["enrolment_id"], row["step"], row["visit"], row["leg"]
