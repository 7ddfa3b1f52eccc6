"""Approve or reject a wave from Prefect's form, by a name that is typed: the workflow engine knows no persons."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed

from flows import names, waking, wiring
from marketing.form import titled
from tasks import recording
from tasks.approving import decided, typed

__all__ = ["approve"]


@flow(name="approve", flow_run_name=names.at_start, persist_result=False)
def approve(wave: Annotated[int, titled("Wave")], decision: Annotated[Literal["approve", "reject"], titled("Decision")],
            your_name: Annotated[str, titled("Your name")], why: Annotated[str, titled("Why")] = "",
            at_most: Annotated[int | None, titled("At most so many contacts")] = None,
            cost: Annotated[float | None, titled("At most such a cost")] = None,
            anyway: Annotated[bool, titled("Although a check stands against it")] = False) -> Any:
    """Decide on a wave that waits; the chain's next pass takes in what was approved, and never more.

    Args:
        wave: Its number, as the run says that asked for approval, and `relance approvals`.
        decision: Approved, it enters with the next pass of its chain. Rejected, nobody enters it.
        your_name: Kept in the journal, marked as typed.
        why: Kept in the journal. No names or addresses of customers, please.
        at_most: No more contacts than this enter, drawn by chance. Empty: as many as were asked for.
        cost: No more contacts enter than this pays for, in the house's currency. Empty: as much as was asked for.
        anyway: Approve a wave that a check says must not leave as it is.
    """
    wired = wiring.wired()
    with recording.recorded(wired, "approve", str(flow_run.id), name=flow_run.name, by=recording.starter()) as summary:
        one = decided(wired, wave, typed(your_name), approve=decision == "approve", why=why, most_contacts=at_most,
                      most_cost=None if cost is None else Decimal(str(cost)), anyway=anyway)
        summary.update(wave=wave, chain=one.chain, decision=decision, contacts=one.most_contacts)
    if decision == "approve":
        waking.at_once(wired, one.chain)
        return Completed(message=f"Wave {wave} of {one.chain} is approved: at most {one.most_contacts:,} contacts.")
    return Completed(message=f"Wave {wave} of {one.chain} is rejected: nobody enters it.")
