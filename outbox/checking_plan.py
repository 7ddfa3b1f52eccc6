"""Whether a chain can keep its word: its offer still holds, its incentives are paid for, its answers can come in."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from marketing.calendar import add, local
from marketing.graph import ENTRY, HOLDOUT, Graph
from marketing.responses import (
    BOUNCED_HARD, BOUNCED_SOFT, CALL_OUTCOMES, CLICKED, COMPLAINED, LETTER_RETURNED, NOT_SENT, REPLIED, UNSUBSCRIBED,
)
from outbox.checking_links import links
from outbox.inventing import Printed

__all__ = ["before", "listens", "of_calls", "of_incentives", "of_offers", "of_waits", "sendings"]

#: Parameters that say until when an offer holds: valid_until, offer_ends, code_expires, deadline.
_UNTIL = re.compile(r"(^|_)(until|ends?|expires?|expiry|deadline)(_|$)")
#: The channels that a response can come from; what is not here can follow any message, or none.
_COMES_BY = {
    REPLIED: ("email", "sms"), BOUNCED_HARD: ("email", "sms"), BOUNCED_SOFT: ("email", "sms"), COMPLAINED: ("email",),
    UNSUBSCRIBED: ("email", "sms"), LETTER_RETURNED: ("post",), **dict.fromkeys(CALL_OUTCOMES, ("phone",)),
}
Found = Iterator[tuple[str, bool, str]]


def sendings(graph: Graph, enrolled: datetime, zone: str) -> dict[str, tuple[datetime, datetime]]:
    """By Send, the first and the last instant (naive UTC) at which it is planned for who enters at `enrolled`.

    Dates that a response brings and going round again are left out: nobody can know them.
    """
    first: dict[str, datetime] = {ENTRY: enrolled}
    last = dict(first)
    for name in [ENTRY, *(step.name for step in graph.steps)]:  # in topological order
        if name not in first:
            continue
        for edge in graph.out(name):
            if edge.goto or edge.to == HOLDOUT:
                continue
            waited = graph.step(name).within if name != ENTRY else None
            silent = waited and edge.on == "otherwise"  # an answer may come at once, or on the last day
            for known, better in ((first, min), (last, max)):
                moved = add(known[name], waited, zone) if silent or (waited and known is last) else known[name]
                if edge.after:
                    since = enrolled if edge.after.since == "enrolled" else moved
                    moved = max(moved, add(since, edge.after.span, zone))
                known[edge.to] = better(known.get(edge.to, moved), moved)
    return {step.name: (first[step.name], last[step.name]) for step in graph.sends if step.name in first}


def before(graph: Graph, wait: str) -> frozenset[str]:
    """The Sends whose answers a wait hears: those since the wait before it."""
    found, seen, ahead = set(), set(), [wait]
    while ahead:
        name = ahead.pop()
        for edge in graph.edges:
            if edge.to == name and edge.from_ not in seen and edge.from_ not in ("", "*"):
                seen.add(edge.from_)
                step = graph.step(edge.from_)
                if step.kind == "send":
                    found.add(step.name)
                if step.kind != "wait":
                    ahead.append(edge.from_)
    return frozenset(found)


def listens(graph: Graph) -> dict[str, frozenset[str]]:
    """The responses that are waited for, by the Send that they answer."""
    heard: dict[str, frozenset[str]] = {}
    for wait in (step for step in graph.steps if step.kind == "wait"):
        kinds = frozenset(edge.on for edge in graph.out(wait.name)) - {"otherwise", NOT_SENT}
        for send in before(graph, wait.name):
            heard[send] = heard.get(send, frozenset()) | kinds
    return heard


def of_waits(graph: Graph, messages: Sequence[Printed]) -> Found:
    """Every response that is waited for can come from what was sent before."""
    for wait in (step for step in graph.steps if step.kind == "wait"):
        sends = before(graph, wait.name)
        channels = {channel for send in sends for channel in graph.step(send).channels}
        said = [one for one in messages if one.step.name in sends and one.content]
        for edge in graph.out(wait.name):
            ways = _COMES_BY.get(edge.on)
            if ways and not channels.intersection(ways):
                yield ("no_way_back", True, f"The wait {wait.name} listens for {edge.on}, which comes from a message by "
                                            f"{' or '.join(ways)} alone, and none is sent before it: add one, or take the "
                                            "branch out.")
            elif edge.on == CLICKED and said and not any(_clickable(one) for one in said):
                yield ("no_way_back", True, f"The wait {wait.name} listens for clicks, and no message before it has a link "
                                            f"to follow ({', '.join(sorted(sends))}): put one in, or take the branch out.")


def _clickable(one: Printed) -> bool:
    return any(url.startswith(("https://", "http://")) and url != one.row["unsubscribe_url"]
               for image, url in links(one.content) if not image)


def of_calls(graph: Graph, hours: Mapping[str, Any], costs: Mapping[str, Decimal]) -> dict[str, list[tuple[str, bool, str]]]:
    """What calls lack, by Send: hours in which they may be made, a price, somebody to make them, outcomes that lead on."""
    found: dict[str, list[tuple[str, bool, str]]] = {}
    assigned = any(step.kind == "assign" for step in graph.steps)
    heard = listens(graph)
    for send in (step for step in graph.sends if "phone" in step.channels):
        said = found.setdefault(send.name, [])
        if "phone" not in hours:
            said.append(("no_hours", True, "Calls have no hours, so that people would be called at night: policy.toml, [[hours]] "
                                           "with channel = \"phone\""))
        if not costs.get("phone"):
            said.append(("no_price", False, "A call costs nothing in house.toml, so that budgets and the return leave it out: "
                                            "[costs] phone = …"))
        if not assigned:
            said.append(("no_rep", False, "Nobody is named who makes the calls: write an Assign before the Send, if they are "
                                          "to be shared out."))
        if not heard.get(send.name, frozenset()) & CALL_OUTCOMES:
            said.append(("no_outcome", False, "No wait listens for the outcome that is typed after the call: whatever is "
                                              "typed, the contact goes on the same way."))
    return found


def of_offers(params: Mapping[str, Any], messages: Sequence[Printed], when: Mapping[str, tuple[datetime, datetime]],
              today: datetime, zone: str) -> Iterator[tuple[Printed | None, str, bool, str]]:
    """(message or None, rule, whether it blocks, sentence) of each offer that is over when it is sent."""
    for name, value in params.items():
        ends = _date(value, zone) if _UNTIL.search(name) else None
        if ends is None:
            continue
        printing = [one for one in messages if one.message and name in one.message.parameters()]
        for one in printing:
            first, last = (local(moment, zone) for moment in when.get(one.step.name, (today, today)))
            if first > ends:
                yield (one, "expired_offer", True, f"The offer is over when it is sent: {name} is {value}, and the message "
                                                   f"leaves on {first:%Y-%m-%d} at the earliest. Choose a later {name}.")
            elif last > ends:
                yield (one, "expired_offer", False, f"Some would get the offer when it is over: {name} is {value}, and the "
                                                    f"message may leave as late as {last:%Y-%m-%d}.")
        if not printing and local(today, zone) > ends:
            yield None, "expired_offer", False, f"The parameter {name} is {value}, which is past, and no message says it."


def _date(value: Any, zone: str) -> datetime | None:
    """The last instant (wall time of the zone) of a date, or of a moment."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
    except ValueError:
        return None
    if isinstance(value, datetime):
        return local(value.astimezone(UTC).replace(tzinfo=None), zone) if value.tzinfo else value
    return datetime(value.year, value.month, value.day, 23, 59, 59) if isinstance(value, date) else None


def of_incentives(params: Mapping[str, Any], contacts: int, currency: str) -> Found:
    """What a gift or coupon costs stays within its budget, where the parameters incentive_cost and incentive_budget say both.

    incentive_share is the share of the contacts expected to take it, 1 where it is not said.
    """
    try:
        cost, budget = (Decimal(str(params[f"incentive_{name}"])) for name in ("cost", "budget"))
    except (KeyError, ArithmeticError):
        return
    share = Decimal(str(params.get("incentive_share") or 1))
    spent = cost * share * contacts
    if spent > budget:
        enough = int(budget / (cost * share))
        yield ("incentive_budget", True,
               f"The incentives would cost {spent:,.2f} {currency} ({contacts:,} contacts × {cost:,.2f} {currency}"
               f"{f' × a share of {share}' if share != 1 else ''}), above the incentive_budget of {budget:,.2f}: raise it, "
               f"or let at most {enough:,} contacts enter.")
