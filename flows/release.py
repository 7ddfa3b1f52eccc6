"""Release: a stop ends; what is not stale may leave with the next send."""

from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed

from flows import names, wiring
from flows.stop import Scope
from marketing.form import titled
from tasks import recording
from tasks.release import release as let_go
from tasks.stop import who_says

__all__ = ["release"]


@flow(name="release", flow_run_name=names.at_start, persist_result=False)
def release(scope: Annotated[Scope, titled("What to release")] = "all", name: Annotated[str, titled("Which one")] = "",
            your_name: Annotated[str, titled("Your name")] = "", why: Annotated[str, titled("Why")] = "") -> Any:
    """End a stop.

    Args:
        scope: The same as in the stop: releasing "all" ends the stop of everything, and leaves stops of a single wave alone.
        name: The same as in the stop; leave it empty for "all".
        your_name: Kept in the journal, beside who stopped it.
        why: Kept in the journal, for who asks later.
    """
    who = who_says(your_name, recording.starter())
    released = let_go(wiring.wired(every=True), scope, name.strip(), who, why, str(flow_run.id))
    return Completed(message=f"{released.stop.what[:1].upper()}{released.stop.what[1:]} is released: {released.may_leave:,} "
                             f"messages may leave, {released.stale:,} came too late and never will.", data=released)
