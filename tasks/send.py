"""Send: hand the batches of one connector over, at its pace."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from outbox.sender import Sender
from outbox.wired import Wired


@task(cache_policy=NO_CACHE)
def send(wired: Wired, connector: str, run: str, seconds: float | None = None, of_run: str | None = None,
         tell=None) -> dict:
    """Send what is ready, for at most `seconds`, `of_run`: only that run's batches; returns touches by outcome."""
    sender = Sender(wired, connector, run=run, as_of=wired.warehouse.clock.now())
    return dict(sender.drain(seconds=seconds, of_run=of_run, tell=tell))
