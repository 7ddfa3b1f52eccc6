"""One flow for each chain, made when it is asked for: `flows.by_chain.<name>`."""

from typing import Any

from prefect import Flow, flow, get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

import chains
from flows import names, rehearsal, waking, wiring
from marketing import drawing, form
from marketing.chain import Chain
from marketing.options import RunOptions
from tasks import recording
from tasks.cancel import cancel


def __getattr__(name: str) -> Flow:
    """The flow of the chain `name`; a chain whose file is broken raises its own error and stops no other."""
    if name.startswith("_"):
        raise AttributeError(name)
    try:
        made = globals()[name] = of(chains.load(name))
    except chains.NoSuchChain as error:
        raise AttributeError(str(error)) from None
    return made


def __dir__() -> list[str]:
    return chains.names()


def of(chain: Chain) -> Flow:
    """The flow that makes one pass of `chain`, with the fields of its parameters as its form."""

    def one_pass(**values: Any) -> Any:
        wired = wiring.wired()
        params, options = form.filled(chain.params, values), form.filled(RunOptions, values)
        summary = rehearsal.asked_for(wired, chain.name, params, options, run=str(flow_run.id),
                                      run_name=flow_run.name, starter=recording.starter(), progress=get_run_logger().info)
        waking.after_pass(wired, chain, summary)
        # A sentence on the run says what came of it to who never opens a log.
        return Completed(message=str(summary), data=summary)

    one_pass.__name__ = one_pass.__qualname__ = chain.name
    one_pass.__doc__ = drawing.brief(chain)
    one_pass.__signature__ = form.signature(chain.params, RunOptions)
    # The models hold the values themselves, with the same limits; Prefect would load pydantic's first version to do so too.
    return flow(name=chain.name, flow_run_name=names.at_start, persist_result=False, validate_parameters=False,
                on_cancellation=[withdraw])(one_pass)


def withdraw(flow: Flow, flow_run: Any, state: Any) -> None:
    """Somebody cancelled a run of a chain: what it has not sent yet stays. A worker gives the arguments by these names."""
    cancel(wiring.wired(), str(flow_run.id), flow.name)
