"""Send: what waits in the outbox is handed over, by one connector or by all, at each provider's own pace."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed

from flows import names, waking, wiring
from flows.recipe import do
from marketing.form import titled
from tasks import recording
from tasks.collect import fold
from tasks.send import send as send_by
from tasks.opening import Wired

__all__ = ["NoSuchConnector", "drain", "send"]


class NoSuchConnector(LookupError):
    """No channel of the house goes by a connector of that name."""


def drain(wired: Wired, connector: str | None = None, *, run: str, seconds: float | None = None, run_name: str | None = None,
          starter: str | None = None, tell: Callable[[Mapping[str, int]], Any] | None = None) -> dict[str, dict[str, int]]:
    """Hand over what is ready by `connector`, or by each; returns touches by outcome, by connector.

    Raises NoSuchConnector.
    """
    if connector is not None and connector not in wired.connectors:
        raise NoSuchConnector(f"there is no connector {connector!r}; connectors: {', '.join(sorted(wired.connectors))}")
    sent = {}
    with recording.recorded(wired, "send", run, name=run_name, params={"connector": connector}, by=starter) as summary:
        for name in [connector] if connector else sorted(wired.connectors):
            sent[name] = do(send_by, wired, name, run, seconds, None, tell, name=f"send by {name}")
        do(fold, wired, run)
        summary.update(sent)
    waking.after_listing(wired, {})
    return sent


@flow(name="send", flow_run_name=names.at_start, persist_result=False)
def send(connector: Annotated[str | None, titled("Connector")] = None,
         seconds: Annotated[float | None, titled("Stop after so many seconds")] = None) -> Any:
    """Hand over what waits in the outbox.

    Args:
        connector: Hand over what goes by this connector alone, named as in house.toml; empty: by all of them in turn.
        seconds: A message that has begun to leave is finished; the next run goes on. Empty: stop when nothing is ready.
    """
    sent = drain(wiring.wired(), connector, run=str(flow_run.id), run_name=flow_run.name, seconds=seconds,
                 starter=recording.starter())
    said = "; ".join(f"{name}: {', '.join(f'{many:,} {outcome}' for outcome, many in sorted(counts.items()))}"
                     for name, counts in sent.items() if counts)
    return Completed(message=said or "Nothing was ready to be sent.", data=sent)
