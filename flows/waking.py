"""Who is woken when: after a pass the chain itself and those it hands over to, after a collection those that listen."""

from collections.abc import Mapping

from flows.deployments import sound
from marketing.chain import Chain
from marketing.summary import Summary
from marketing.waking import AT_ONCE, handed_over, heard
from tasks import wake
from tasks.opening import Wired, outlook, why_wait

__all__ = ["after_listing", "after_pass", "at_once"]


def after_pass(wired: Wired, chain: Chain, summary: Summary) -> None:
    """Plan the chain's next pass, and wake at once the chains that contacts were handed over to."""
    if wake.deployed() is None or summary.rehearsed or wired.warehouse.clock.simulated():
        return
    for name, contacts in handed_over(summary.moves).items():
        wake.emit(wake.HANDED_OVER, name, {"contacts": contacts})
    if not summary.waits_for:
        due, news = outlook(wired, chain.name, summary.as_of)
        wake.plan(wired, chain, due, news=news)


def after_listing(wired: Wired, listed: Mapping[str, int], apart: str | None = None) -> None:
    """Wake the chains that listen to what was listed, by kind: at once where somebody waits for an answer; and plan a
    pass of every chain, `apart` excepted, that has something to do which no run is scheduled for."""
    if wired.warehouse.clock.simulated():
        return
    for chain in sound()[0]:
        if chain.name != apart:
            _wake(wired, chain, heard(chain, listed))


def at_once(wired: Wired, name: str) -> None:
    """Plan a pass of a chain for now, where somebody has decided what it waited for."""
    if not wired.warehouse.clock.simulated():
        for chain in (one for one in sound()[0] if one.name == name):
            wake.plan(wired, chain, wired.wall(), news=True)


def _wake(wired: Wired, chain: Chain, kinds: Mapping[str, int]) -> None:
    at_once = {kind: many for kind, many in kinds.items() if kind in AT_ONCE}
    if at_once:
        wake.emit(wake.HEARD, chain.name, at_once)
    now = wired.wall()
    if wake.deployed() and not why_wait(wired, chain, now):
        due, _ = outlook(wired, chain.name, now)
        wake.plan(wired, chain, now if kinds else due)
