"""Enrol: the wave of the audience, and those whom other chains handed over."""

from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from warehouse.passing import SlicePass
from warehouse.passing.enrol import enrol_audience, enrol_handovers
from warehouse.passing.given import Given


@task(cache_policy=NO_CACHE)
def enrol(passing: SlicePass, chain, params: dict, ask: bool, room: int | None = None, given: Sequence[Given] = ()) -> int:
    """Take in the hand-overs, the waves that were given, and the audience where it is to be asked, as far as there is room;
    returns how many entered."""
    defaults, query = chain.params().model_dump(mode="json"), passing.current.queries[chain.audience]
    entered = passing.tally.handed_in = enrol_handovers(passing, defaults, chain.reenter_after)
    for wave in given:
        entered += enrol_audience(passing, query, dict(wave.params), chain.reenter_after, wave.room, wave.wave)
    if ask:
        entered += enrol_audience(passing, query, params, chain.reenter_after, room)
    return entered
