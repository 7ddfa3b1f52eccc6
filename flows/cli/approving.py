"""`relance approvals`, `approve`, `reject`: waves that wait for a person."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

import typer

from flows.cli.answering import Answer, answers

__all__ = ["approvals", "approve", "reject"]

Wave = Annotated[int, typer.Argument(help="The wave, by its number (relance approvals).", show_default=False)]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="Kept in the journal.", show_default=False)]


@answers
def approvals(
    every: Annotated[bool, typer.Option("--all", help="Those that were decided on or lapsed too.")] = False,
) -> Answer:
    """Show the waves that wait for approval: how many would enter, what they can cost, and what would be sent.

    Nothing is reserved while they wait, and everything else goes on.
    """
    from flows.cli import running
    from marketing.approval import APPROVED, AWAITING
    from warehouse import approving

    wired = running.opened()
    found = approving.listed(wired.warehouse.ledger, *(() if every else (AWAITING, APPROVED)))
    shown: list[Any] = [piece for one in found for piece in _told(one, wired.warehouse.house)]
    return Answer({"approvals": found}, shown or ["No wave waits for approval."])


@answers
def approve(
    wave: Wave,
    at_most: Annotated[int | None, typer.Option("--at-most", metavar="N", min=1, show_default=False, help=(
        "No more contacts than this enter, drawn by chance; none: as many as were asked for."))] = None,
    cost: Annotated[float | None, typer.Option("--cost", metavar="AMOUNT", min=0, show_default=False, help=(
        "No more contacts enter than this pays for, each by the dearest way."))] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Although a check stands against it.")] = False,
    why: Why = "",
) -> Answer:
    """Approve a wave: the chain's next pass takes it in, with the gate of that moment, and never more than was approved.

    It goes out with the messages as they are now; one that is changed afterwards waits until it is approved again.
    """
    from flows.cli import running
    from tasks.approving import decided

    running.quiet_prefect()
    wired = running.opened()
    limit = None if cost is None else Decimal(str(cost))
    one = decided(wired, wave, running.who(), approve=True, why=why, most_contacts=at_most, most_cost=limit,
                  anyway=anyway)
    house = wired.warehouse.house
    return Answer({"approval": one}, [
        f"Wave {wave} of {one.chain} is approved: at most {one.most_contacts:,} contacts, {one.most_cost:,.2f} {house.currency}. "
        f"Next: relance pass {one.chain}, or wait for its schedule."])


@answers
def reject(wave: Wave, why: Why = "") -> Answer:
    """Reject a wave: nobody enters it. The audience is asked again when the chain's time for that has come."""
    from flows.cli import running
    from tasks.approving import decided

    running.quiet_prefect()
    one = decided(running.opened(), wave, running.who(), approve=False, why=why)
    return Answer({"approval": one}, [f"Wave {wave} of {one.chain} is rejected: nobody enters it."])


def _told(one: Any, house: Any) -> Iterator[Any]:
    """One approval, for people: its sentence, and what the rehearsal said."""
    yield f"{one.chain}: {one.told(house.zone, house.currency)}."
    given = ", ".join(f"{name} = {value}" for name, value in one.params.items())
    if given:
        yield f"  with {given}"
    yield f"  {one.summary.get('sentence', '')}"
    for found in one.summary.get("checks", ()):
        yield f"  {'BLOCKS: ' if found['blocking'] else ''}{found['sentence']}"
    for said in one.summary.get("previews", ()):
        yield f"  {said['step']} by {said['channel']}: {said['subject'] or said['text'][:100]}"
