"""Approving: which waves a pass may take in, and which wait for a person first."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from prefect.artifacts import create_markdown_artifact
from prefect.context import FlowRunContext

from marketing.approval import APPROVED, AWAITING, ENTERED, LAPSED, REJECTED, VOID, Approval, exceeded
from marketing.calendar import add
from marketing.chain import Chain
from marketing.costing import dearest
from marketing.summary import Summary
from outbox.bound import digests
from outbox.wired import Wired
from warehouse import approving
from warehouse.approving import NotAwaiting
from warehouse.idling import audience_due, older_inhabited
from warehouse.journal import TYPED, Who
from warehouse.passing import SlicePass
from warehouse.passing.enrol import who_may_enter
from warehouse.passing.given import Given
from warehouse.versions import Version, chain_numbers, versions_of

__all__ = ["Permit", "decided", "entered", "permit", "typed"]


@dataclass(frozen=True)
class Permit:
    """What a pass may take in: approved waves, each as far as it was approved, and its own audience unless that waits, as far
    as that needs nobody's approval (`room`; None: everybody)."""

    approved: tuple[Given, ...] = ()
    asks: bool = True
    room: int | None = None
    said: str = ""


def permit(wired: Wired, chain: Chain, version: Version, params: Any, run: str, size: Callable[[], Summary]) -> Permit:
    """What may enter now. A wave above the policy's thresholds becomes a row that waits for a person: nothing is reserved.

    `size` rehearses the pass and says who would enter; it is called only when the audience is to be asked and thresholds stand.
    """
    ledger, asked = wired.warehouse.ledger, params.model_dump(mode="json")
    approving.lapse(ledger, version.chain, wired.warehouse.clock.now())
    approved = tuple(_given(wired, version, one, run) for one in approving.listed(ledger, APPROVED, chain=version.chain)
                     if _still_bound(wired, version, one))
    waits = _waits(wired, chain, version, asked, run, size)
    if not waits:
        thresholds = wired.warehouse.policy.approval
        room = thresholds.room(dearest(version.graph, wired.warehouse.house.costs)) if thresholds else None
        return Permit(approved, room=room)
    house = wired.warehouse.house
    said = "" if waits.state in (APPROVED, ENTERED) else waits.told(house.zone, house.currency)
    return Permit(approved, asks=False, said=said)


def entered(wired: Wired, permitted: Permit) -> None:
    """The pass has been everywhere: what was approved has entered, as far as there was anybody."""
    for one in permitted.approved:
        approving.end(wired.warehouse.ledger, one.wave, ENTERED)


def decided(wired: Wired, wave: int, who: Who, *, approve: bool, why: str = "", most_contacts: int | None = None,
            most_cost: Decimal | None = None, anyway: bool = False) -> Approval:
    """Somebody has decided on a wave; one against which a check stands is approved `anyway`, or not.

    An approval is bound to the messages that it was asked with; one that is given again, to the messages as they are now.
    Raises NotAwaiting.
    """
    ledger = wired.warehouse.ledger
    one = approving.found(ledger, wave)
    now_read = digests(wired, versions_of(ledger, chain_numbers(ledger)[one.chain])[-1].graph) if approve else one.messages
    if one.state == AWAITING and now_read != one.messages:
        approving.end(ledger, wave, VOID)
        raise NotAwaiting(f"wave {wave} cannot be approved: a message of {one.chain} has changed since it was asked for. "
                          f"The next pass asks anew: relance pass {one.chain}")
    blocking = [found["sentence"] for found in one.summary.get("checks", ()) if found["blocking"]]
    if approve and blocking and not anyway:
        raise NotAwaiting(f"wave {wave} cannot be approved as it is: {' '.join(blocking)} Mend it and the next pass asks anew, "
                          "or approve it anyway.")
    read = now_read if approve and one.state in (APPROVED, ENTERED) else None
    return approving.decide(ledger, wave, who, approve=approve, now=wired.warehouse.clock.now(), why=why,
                            most_contacts=most_contacts, most_cost=most_cost, messages=read)


def typed(name: str) -> Who:
    """Somebody who has written a name into a form. Raises ValueError where there is none."""
    if not name.strip():
        raise ValueError("your name is empty; accepted: the name that the journal keeps for this decision")
    return Who(name.strip()[:100], TYPED)


def _waits(wired: Wired, chain: Chain, version: Version, asked: Mapping[str, Any], run: str,
           size: Callable[[], Summary]) -> Approval | None:
    """The approval for which the pass's own audience waits, asked for if need be; None where it may be asked."""
    warehouse = wired.warehouse
    ledger, now, zone = warehouse.ledger, warehouse.clock.now(), warehouse.house.zone
    last = approving.latest(ledger, version.chain, asked)
    decided = last and (last.decided_at or last.asked_at)
    if last and (last.state in (AWAITING, APPROVED)
                 or last.state in (REJECTED, LAPSED, ENTERED) and add(decided, chain.enrol_every, zone) > now):
        return last
    thresholds = warehouse.policy.approval
    if not thresholds or not any(audience_due(ledger, version.chain, slice, now, asked, chain.enrol_every, zone)
                                 for slice in warehouse.slices()):
        return None
    # The costly rehearsal only where more may enter than the thresholds allow: who leaves before may enter besides.
    each, many = dearest(version.graph, warehouse.house.costs), _may_enter(wired, chain, version, asked, run)
    if not exceeded(thresholds, many, each * many):
        return None
    summary = size()
    own = summary.entered - summary.handed_in
    cost = each * own  # as if nobody were held out: who will be is not drawn yet
    if not exceeded(thresholds, own, cost):
        return None
    found = approving.found(ledger, approving.ask(
        ledger, chain=version.chain, version=version.id, run=run, params=asked, contacts=own, cost=cost, now=now,
        messages=digests(wired, version.graph), summary={**summary.to_json(), **_looked_at(wired, chain, asked)},
        lapses_at=add(now, thresholds.waits, zone)))
    _publish(wired, found)
    return found


def _looked_at(wired: Wired, chain: Chain, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a person should have seen before deciding: what stands against it, and each message for somebody invented."""
    from outbox.checking import checks  # what prints letters and reads links, which an idle pass has no need of
    from outbox.preview import every

    return {"checks": [asdict(finding) for finding in checks(wired, chain, asked)],
            "previews": [{"step": one.step, "channel": one.channel, "refused": one.refused,
                          "subject": one.content.get("subject", ""),
                          "text": one.content.get("text") or one.content.get("script") or one.content.get("title", "")}
                         for one in every(wired, chain, asked)]}


def _publish(wired: Wired, one: Approval) -> None:
    """The page of the wave that waits, in the run that asked; outside a flow run there is nowhere to publish it."""
    if FlowRunContext.get() is not None:
        from reports.approval import page

        house = wired.warehouse.house
        create_markdown_artifact(page(one, house.zone, house.currency, house.banner), key="approval",
                                 description=one.told(house.zone, house.currency))


def _may_enter(wired: Wired, chain: Chain, version: Version, asked: Mapping[str, Any], run: str) -> int:
    """How many contacts of the base may enter now, before anybody has left."""
    warehouse, found = wired.warehouse, 0
    versions = [*older_inhabited(warehouse.ledger, version), version]
    for slice in warehouse.slices():
        passing = SlicePass(warehouse, versions, version, slice=slice, as_of=warehouse.clock.now(), run=run)
        try:
            found += who_may_enter(passing, version.queries[chain.audience], dict(asked), chain.reenter_after)
        finally:
            passing.close()
    return found


def _still_bound(wired: Wired, version: Version, one: Approval) -> bool:
    """Whether the messages are those that were approved; a wave whose messages have changed is void, and asked for anew."""
    if one.messages == digests(wired, version.graph):
        return True
    approving.end(wired.warehouse.ledger, one.wave, VOID)
    return False


def _given(wired: Wired, version: Version, one: Approval, run: str) -> Given:
    approving.enter(wired.warehouse.ledger, one.wave, run=run, version=version.id, as_of=wired.warehouse.clock.now())
    room = one.room(dearest(version.graph, wired.warehouse.house.costs))
    return Given(one.wave, json.loads(json.dumps(one.params)), room)
