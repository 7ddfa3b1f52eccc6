"""Enrol: the wave of the audience, and those whom other chains handed over."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from warehouse.passing import SlicePass
from warehouse.passing.enrol import enrol_audience, enrol_handovers


@task(cache_policy=NO_CACHE)
def enrol(passing: SlicePass, chain, params: dict, ask: bool, room: int | None = None) -> int:
    """Take in the hand-overs, and the audience where it is to be asked, as far as there is room; returns how many entered."""
    defaults = chain.params().model_dump(mode="json")
    entered = enrol_handovers(passing, defaults, chain.reenter_after)
    if ask:
        entered += enrol_audience(passing, passing.current.queries[chain.audience], params, chain.reenter_after, room)
    return entered
