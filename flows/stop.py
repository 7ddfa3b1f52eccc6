"""STOP: what is named in the form leaves no more, from the moment that this has begun."""

from typing import Annotated, Any, Literal

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed

from flows import names, wiring
from marketing.form import titled
from tasks import recording
from tasks.stop import stop as stop_now
from tasks.stop import who_says

__all__ = ["Scope", "stop"]

Scope = Literal["all", "chain", "wave", "step", "connector"]


@flow(name="STOP", flow_run_name=names.at_start, persist_result=False)
def stop(scope: Annotated[Scope, titled("What to stop")] = "all", name: Annotated[str, titled("Which one")] = "",
         your_name: Annotated[str, titled("Your name")] = "", why: Annotated[str, titled("Why")] = "") -> Any:
    """Stop messages from leaving.

    Args:
        scope: With "all", as it stands here, nothing more leaves at all.
        name: A chain or connector by its name, a wave by its number, a step as chain/step; leave it empty for "all".
        your_name: Kept with the stop, so that others know whom to ask.
        why: Shown wherever the stop is, until it is released.
    """
    starter = recording.starter()
    wired = wiring.wired(every=True)  # a connector that cannot be made must not keep anybody from stopping
    account = stop_now(wired, scope, name.strip(), who_says(your_name, starter), why, str(flow_run.id))
    still = f" {account.still_with_provider:,} are still with the provider." if account.still_with_provider else ""
    return Completed(message=f"{account.stop.what[:1].upper()}{account.stop.what[1:]} is stopped: {account.left:,} messages "
                             f"have left, {account.not_left:,} have not.{still}", data=account)
